package cmd

import (
	"cmp"
	"context"
	"io"
	"math"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Bin puts numbers and times into buckets.
type Bin struct {
	Field, As string
	op.Buckets
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "bin", Aliases: []string{"bucket", "discretize"}, Kind: syntax.KindSerial,
		Summary: "Put numbers or times into buckets.",
		Syntax:  "bin [span=<span>] [minspan=<span>] [bins=<n>] [start=<n>] [end=<n>] [aligntime=<t>] <field> [AS <field>]",
		Doc: "Times become the start of their bucket; spans of a day and longer follow the calendar of the user's time zone. Other\n" +
			"numbers become the text `low-high`; low belongs to the bucket. Without a span, a round one is chosen that gives at\n" +
			"most `bins` buckets; all rows are held in memory for that. Values that are not numbers are unchanged.",
		Args: []syntax.Arg{
			{Name: "span", Doc: "The width: 30s, 5m, 1h, 1d, 1w@w1, 1mon, a number, log10, 2log5."},
			{Name: "bins", Default: "100", Doc: "Maximum number of buckets when no span is given."},
			{Name: "minspan", Doc: "Smallest span that may be chosen."},
			{Name: "start, end", Doc: "Widen the range that is divided into buckets."},
			{Name: "aligntime", Doc: "A time at which a bucket starts, or earliest or latest of the search; not for spans of a day and longer."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
7
12" | bin span=10 n`,
			Want: []string{`{"n":"0-10"}`, `{"n":"10-20"}`},
		}, {
			Search: `| makeresults | bin _time span=1h AS hour | eval h=strftime(hour, "%H:%M") | table h`,
			Want:   []string{`{"h":"22:00"}`},
		}},
		Parse: parseBin,
	})
}

func parseBin(p *syntax.Parser) (syntax.Command, error) {
	c, err := parseBins(p, "")
	if err != nil {
		return nil, err
	}
	return c, nil
}

// parseBins reads the arguments of bin. otherwise is the default field; if it
// is "", a missing field is an error.
func parseBins(p *syntax.Parser, otherwise string) (*Bin, error) {
	c := &Bin{Buckets: op.NoBuckets}
	for !p.AtEnd() {
		err := p.Options(op.BucketOptions, func(o syntax.Option) error { return c.Option(o, 2) })
		if err != nil {
			return nil, err
		}
		switch {
		case p.AtEnd():
		case c.Field == "":
			if c.Field, err = p.Field(); err != nil {
				return nil, err
			}
		case p.AcceptWord("as"):
			if c.As, err = p.Field(); err != nil {
				return nil, err
			}
		default:
			tok, err := p.Take()
			if err != nil {
				return nil, err
			}
			if op.IsWidth(tok) {
				return nil, diag.At(tok.Span, "unexpected %q", tok.Text).WithHint("write a bucket width as span=%s", tok.Text)
			}
			return nil, p.Unexpected(tok, "AS and a name")
		}
	}
	if c.Field == "" {
		c.Field = otherwise
	}
	if c.Field == "" {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "a field name")
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Bin) Print() string {
	s := "bin" + c.PrintBins() + " " + syntax.PrintField(c.Field)
	if c.As != "" {
		s += " AS " + syntax.PrintField(c.As)
	}
	return s
}

// most returns the maximum number of buckets.
func (c *Bin) most() int { return cmp.Or(c.Bins, 100) }

func (c *Bin) target() string {
	if c.As != "" {
		return c.As
	}
	return c.Field
}

// Needs implements syntax.Command.
func (c *Bin) Needs(out filter.FieldSet) filter.FieldSet { return out.Without(c.target()).Add(c.Field) }

// RowWise reports whether each row is processed independently.
func (c *Bin) RowWise() bool { return c.Span != nil }

// Open implements exec.Serial.
func (c *Bin) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if c.Span != nil {
		return exec.Mapped(in, c.mapper(c.Span, env)), nil
	}
	return &binAll{c: c, env: env, held: env.Memory.Hold(), in: in}, nil
}

func (c *Bin) mapper(span *op.Span, env *exec.Env) *bin {
	span = span.Aligned(c.Align, env)
	return &bin{c, span, op.Bucketer{Span: span, Zone: env.Zone}}
}

type bin struct {
	c      *Bin
	span   *op.Span
	bucket op.Bucketer
}

// Map implements exec.Mapper.
func (m *bin) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	col := b.Col(m.c.Field)
	if col == nil {
		return b, nil
	}
	vals := make([]vector.Value, b.Len)
	for i := range vals {
		v := col.At(i)
		f, ok := v.Num()
		switch {
		case !ok:
			vals[i] = v
		case m.c.Field == "_time":
			vals[i] = vector.Float(m.bucket.Start(f))
		case m.span.Unit != "" && m.span.Unit != "log":
			vals[i] = vector.Float(math.Floor(f/m.span.Seconds()) * m.span.Seconds())
		default:
			vals[i] = m.span.Label(f)
		}
	}
	return b.With(vector.NewColumn(m.c.target(), vals)), nil
}

// binAll holds the rows until the range of the values is known.
type binAll struct {
	c    *Bin
	env  *exec.Env
	in   exec.Operator
	m    *bin
	rows []*vector.Batch
	held *exec.Held
}

func (a *binAll) Close() {
	a.in.Close()
	a.held.Release()
	a.rows = nil
}

func (a *binAll) Next(ctx context.Context) (*vector.Batch, error) {
	if a.m == nil {
		lo, hi := a.c.Start, a.c.End
		err := exec.Drain(ctx, a.in, func(b *vector.Batch) error {
			if col := b.Col(a.c.Field); col != nil {
				for i := range b.Len {
					a.env.Poll()
					if f, ok := col.At(i).Num(); ok {
						if math.IsNaN(lo) || f < lo {
							lo = f
						}
						if math.IsNaN(hi) || f > hi {
							hi = f
						}
					}
				}
			}
			a.rows = append(a.rows, b)
			return a.held.Add(b.Size())
		})
		if err != nil {
			return nil, err
		}
		span := op.NiceSpan(lo, hi, a.c.most())
		if a.c.Field == "_time" {
			span = op.TimeSpanOf(lo, hi, a.c.most())
		}
		a.m = a.c.mapper(op.AtLeast(span, a.c.MinSpan), a.env)
	}
	if len(a.rows) == 0 {
		return nil, io.EOF
	}
	b := a.rows[0]
	a.rows = a.rows[1:]
	return a.m.Map(ctx, b)
}
