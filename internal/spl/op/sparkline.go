package op

import (
	"math"
	"slices"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

const sparklineName = "sparkline"

const (
	sparkBars    = 100  // buckets of a line whose span is not written
	maxSparkBars = 1000 // buckets of any line
	sparkCell    = 64   // about what a bucket costs beside its aggregate
	sparkBytes   = 448  // and a line that has any
	lastSecond   = 253402300799
)

// sparkable are the aggregates that sparkline takes, as Splunk lists them.
var sparkable = []string{"avg", "count", "dc", "max", "min", "range", "stdev", "stdevp", "sum", "sumsq", "var", "varp"}

func init() {
	exec.RegisterAggregate(&syntax.AggregateDef{
		Name: sparklineName, Syntax: "sparkline | sparkline(count | <aggregate>(<field>) [, <span>])", NeedTime: true,
		Doc: "A small chart of an aggregate over time: several values, `##__SPARKLINE__##` and then one for each bucket of the\n" +
			"search's time range, or of the times of the events when that is open; 0 where there is nothing. Without a span there\n" +
			"are up to 100 buckets; a span that would make more than 1,000 is doubled until it does not. Takes avg, count, dc, max,\n" +
			"min, range, stdev, stdevp, sum, sumsq, var and varp. A table draws the line, json and csv have its values.",
		Examples: []syntax.Example{{
			Doc: "Two events in the first minute, one in the third.",
			Search: `| makeresults format=json data="[{\"_time\":30,\"x\":\"2\"},{\"_time\":20,\"x\":\"3\"},{\"_time\":140,\"x\":\"4\"}]"` +
				` | stats sparkline(sum(x), 1m) as r`,
			Want: []string{`{"r":["##__SPARKLINE__##","5","0","4"]}`},
		}},
	}, func(env *exec.Env, _ float64) exec.Aggregate {
		count, _ := syntax.LookupAggregate("count")
		return newSparkline(env, &Aggregation{Def: count, Call: "count"}, nil)
	})
}

// sparklineArgument reads what stands in the parentheses of sparkline, and the
// closing one; it returns the offset behind it.
func (a *Aggregation) sparklineArgument(p *syntax.Parser) (int, error) {
	at := p.Peek().Span
	inner, err := ParseAggregateCall(p)
	if err != nil {
		return 0, err
	}
	if !slices.Contains(sparkable, inner.Def.Name) {
		return 0, diag.At(at, "sparkline cannot draw %s", inner.Def.Name).WithHint("it takes count, or one of avg, dc, max, min, range, stdev, sum, sumsq and var of a field")
	}
	a.Inner, a.Field, a.Expr = inner, inner.Field, inner.Expr
	if p.Accept(",") {
		tok, err := p.Take()
		if err != nil {
			return 0, err
		}
		if a.Span, err = ParseSpan(syntax.Option{Name: "span", Value: tok}); err != nil {
			return 0, err
		}
		if a.Span.Unit == "log" {
			return 0, diag.At(tok.Span, "the span of a sparkline must be a time such as 1h")
		}
	}
	err = p.Expect(")")
	return p.Pos(), err
}

// extent is the range of the times that were seen.
type extent struct {
	lo, hi float64
	some   bool
}

func (x *extent) add(t float64) {
	if !x.some {
		x.lo, x.hi, x.some = t, t, true
	}
	x.lo, x.hi = min(x.lo, t), max(x.hi, t)
}

// sparkline keeps an aggregate for each bucket of time. Buckets grow while the
// rows come, so that there are never many more than will be shown.
type sparkline struct {
	env    *exec.Env
	inner  *Aggregation
	asked  *Span // nil = none was written
	bucket Bucketer
	cells  map[float64]exec.Aggregate // by the start of the bucket
	extent *extent
	size   int
}

func newSparkline(env *exec.Env, inner *Aggregation, span *Span) *sparkline {
	s := &sparkline{env: env, inner: inner, asked: span, cells: map[float64]exec.Aggregate{}, extent: &extent{}}
	if span == nil {
		span = &Span{Text: "1s", N: 1, Unit: "s"}
		if lo, hi, ok := s.searched(); ok {
			span = TimeSpan(hi-lo, sparkBars)
		}
	}
	s.bucket = Bucketer{Span: span, Zone: env.Zone}
	return s
}

// searched returns the search's range of time, when it has a beginning.
func (s *sparkline) searched() (lo, hi float64, ok bool) {
	if s.env.Earliest.Unix() <= 0 {
		return 0, 0, false
	}
	latest := s.env.Latest
	if latest.IsZero() {
		latest = s.env.Now
	}
	lo, hi = splunktime.Epoch(s.env.Earliest), splunktime.Epoch(latest)-1e-6 // which is not in the range itself
	return lo, hi, hi > lo
}

// Update implements exec.Aggregate.
func (s *sparkline) Update(v vector.Value, at float64) {
	if v.IsNull() || !(math.Abs(at) < lastSecond) {
		return
	}
	s.extent.add(at)
	cell := s.cell(s.bucket.Start(at))
	s.size -= cell.Size()
	cell.Update(v, at)
	s.size += cell.Size()
	if len(s.cells) > 2*maxSparkBars {
		s.widen()
	}
}

// cell returns the aggregate of the bucket that starts at a time.
func (s *sparkline) cell(start float64) exec.Aggregate {
	a := s.cells[start]
	if a == nil {
		a = s.inner.make(s.env)
		s.cells[start] = a
		s.size += sparkCell
	}
	return a
}

// widen joins buckets until there are no more of them than a line may have.
func (s *sparkline) widen() {
	width := s.extent.hi - s.extent.lo
	if span := TimeSpan(width, maxSparkBars); s.asked == nil && span.Seconds() > s.bucket.Span.Seconds() {
		s.gather(span)
	}
	for span := *s.bucket.Span; width/s.bucket.Span.Seconds() > maxSparkBars; {
		span.N *= 2
		wider := span
		s.gather(&wider)
	}
}

// gather puts everything into the buckets of another span, whose borders are
// among those of the present one.
func (s *sparkline) gather(span *Span) {
	old := s.cells
	s.bucket, s.cells, s.size = Bucketer{Span: span, Zone: s.env.Zone}, map[float64]exec.Aggregate{}, 0
	s.take(old)
}

// take merges buckets into those that they lie in.
func (s *sparkline) take(cells map[float64]exec.Aggregate) {
	for start, from := range cells {
		cell := s.cell(s.bucket.Start(start))
		s.size -= cell.Size()
		cell.Merge(from)
		s.size += cell.Size()
	}
}

// Merge implements exec.Aggregate.
func (s *sparkline) Merge(other exec.Aggregate) {
	o := other.(*sparkline)
	if o.extent.some {
		s.extent.add(o.extent.lo)
		s.extent.add(o.extent.hi)
	}
	if o.bucket.Span.Seconds() > s.bucket.Span.Seconds() {
		s.gather(o.bucket.Span)
	}
	s.take(o.cells)
	if len(s.cells) > 2*maxSparkBars {
		s.widen()
	}
}

// Result implements exec.Aggregate: the mark, then a value for each bucket.
func (s *sparkline) Result() vector.Value {
	x := *s.extent
	if lo, hi, ok := s.searched(); ok {
		x.add(lo)
		x.add(hi)
	}
	if !x.some {
		return vector.Value{}
	}
	s.fit(x.hi - x.lo)
	list := []string{vector.SparklineMark}
	for t := s.bucket.Start(x.lo); t <= x.hi && len(list) <= 2*maxSparkBars; {
		text := "0"
		if cell := s.cells[t]; cell != nil {
			if v := cell.Result(); !v.IsNull() {
				text = v.Text()
			}
		}
		list = append(list, text)
		next := splunktime.Epoch(s.bucket.Span.Next(splunktime.FromEpoch(t).In(s.env.Zone)))
		if t = s.bucket.Start(next); t < next { // the clock was put back or forth
			t = next
		}
	}
	return vector.Strings(list).WithDelim(",")
}

// fit chooses the span for a line of so many seconds.
func (s *sparkline) fit(width float64) {
	if span := TimeSpan(width, sparkBars); s.asked == nil && span.Seconds() > s.bucket.Span.Seconds() {
		s.gather(span)
	}
	span := *s.bucket.Span
	for width/span.Seconds() > maxSparkBars {
		span.N *= 2
	}
	if span.N != s.bucket.Span.N {
		s.gather(&span)
	}
	if s.asked != nil && span.N != s.asked.N {
		s.env.Warn("sparkline: a span of %s gives more than %d buckets; a longer span is used", s.asked.Text, maxSparkBars)
	}
}

// Size implements exec.Aggregate.
func (s *sparkline) Size() int {
	if len(s.cells) == 0 {
		return s.size
	}
	return s.size + sparkBytes
}
