package cmd

import (
	"context"
	"math"
	"slices"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Makecontinuous buckets a field and adds rows for empty buckets.
type Makecontinuous struct{ bin Bin } // not embedded: its Print is another

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "makecontinuous", Kind: syntax.KindSerial,
		Summary: "Put a field into buckets and add a row for each empty bucket.",
		Syntax:  "makecontinuous [<field>] [span=<span>] [minspan=<span>] [bins=<n>] [start=<n>] [end=<n>] [aligntime=<t>]",
		Doc:     "The buckets are those of bin. Rows are sorted by the field; an added row has only that field. Rows whose field is not a number are kept, after the others. At most 100,000 rows are added.",
		Args: []syntax.Arg{
			{Name: "<field>", Default: "_time", Doc: "The field to put into buckets."},
			{Name: "span, minspan, bins, aligntime", Doc: "As in bin."},
			{Name: "start, end", Doc: "Add buckets down to and up to these values."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n,u
5,a
27,b" | makecontinuous n span=10`,
			Want: []string{`{"n":"0-10","u":"a"}`, `{"n":"10-20"}`, `{"n":"20-30","u":"b"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			b, err := parseBins(p, "_time")
			if err != nil {
				return nil, err
			}
			return &Makecontinuous{*b}, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Makecontinuous) Print() string { return "makecontinuous" + c.bin.Print()[len("bin"):] }

// Needs implements syntax.Command.
func (c *Makecontinuous) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.bin.Field) }

// Open implements exec.Serial.
func (c *Makecontinuous) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return exec.Rows(c.fill(env, rows)), nil
	}), nil
}

func (c *Makecontinuous) fill(env *exec.Env, rows []*vector.Batch) *vector.Batch {
	type place struct {
		at    float64
		batch *vector.Batch
		row   int
	}
	var places []place
	low, high := c.bin.Start, c.bin.End
	for _, b := range rows {
		env.Poll()
		vals := op.Present(b, c.bin.Field)
		for i, v := range vals {
			f, ok := v.Num()
			if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
				f = math.Inf(1)
			} else {
				if !(low <= f) {
					low = f
				}
				if !(high >= f) {
					high = f
				}
			}
			places = append(places, place{f, b, i})
		}
	}
	steps := c.steps(env, low, high)
	slices.SortStableFunc(places, func(a, b place) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	out := vector.NewBuilder(op.ColumnNames(rows)...)
	empty := func(at float64) {
		out.Add()
		out.Set(c.bin.Field, steps.show(at))
	}
	next := steps.floor(low) // the first bucket without a row yet
	added := 0
	more := func() bool {
		if added == maxBuckets {
			env.Warn("makecontinuous adds at most %d rows; choose a longer span", maxBuckets)
		}
		added++
		return added <= maxBuckets
	}
	for _, p := range places {
		if math.IsInf(p.at, 1) {
			continue
		}
		at := steps.floor(p.at)
		for next < at && more() {
			empty(next)
			next = steps.next(next)
		}
		out.AddRow(p.batch, p.row)
		out.Set(c.bin.Field, steps.show(at))
		if next <= at {
			next = steps.next(at)
		}
	}
	for next <= high && more() {
		empty(next)
		next = steps.next(next)
	}
	for _, p := range places {
		if math.IsInf(p.at, 1) {
			out.AddRow(p.batch, p.row)
		}
	}
	return out.Batch()
}

// steps computes the buckets of a field.
type steps struct {
	m    *bin
	time bool
	env  *exec.Env
}

func (c *Makecontinuous) steps(env *exec.Env, low, high float64) *steps {
	span := c.bin.Span
	if span == nil {
		span = op.NiceSpan(low, high, c.bin.most())
		if c.bin.Field == "_time" {
			span = op.TimeSpanOf(low, high, c.bin.most())
		}
		span = op.AtLeast(span, c.bin.MinSpan)
	}
	return &steps{m: c.bin.mapper(span, env), time: c.bin.Field == "_time", env: env}
}

// width returns the width of a numeric bucket.
func (s *steps) width() float64 {
	if s.m.span.Unit != "" && s.m.span.Unit != "log" {
		return s.m.span.Seconds()
	}
	return s.m.span.N
}

func (s *steps) floor(f float64) float64 {
	switch {
	case s.time:
		return s.m.bucket.Start(f)
	case s.m.span.Unit == "log":
		if f <= 0 {
			return f
		}
		k := math.Floor(math.Log(f/s.m.span.N)/math.Log(s.m.span.Base) + 1e-12)
		return s.m.span.N * math.Pow(s.m.span.Base, k)
	}
	return math.Floor(f/s.width()) * s.width()
}

func (s *steps) next(f float64) float64 {
	var n float64
	switch {
	case s.time && math.Abs(f) < 253402300799:
		n = splunktime.Epoch(s.m.span.Next(splunktime.FromEpoch(f).In(s.env.Zone)))
	case s.m.span.Unit == "log" && f > 0:
		n = f * s.m.span.Base
	default:
		n = s.floor(f + 1.5*s.width())
	}
	if !(n > f) { // the width is too small to change a number of this size
		return math.Inf(1)
	}
	return n
}

func (s *steps) show(at float64) vector.Value {
	if s.time || s.m.span.Unit != "" && s.m.span.Unit != "log" {
		return vector.Float(at)
	}
	return s.m.span.Label(at)
}
