package cmd

import (
	"cmp"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// axis is a field of a chart while it is made: what its values become.
type axis struct {
	bins   *op.Buckets
	env    *exec.Env
	clock  bool     // it is _time
	times  bool     // buckets are named by their start
	most   int      // buckets, where the options do not say
	span   *op.Span // nil: values stay as they are
	chosen bool     // span is the one of the result; otherwise settle chooses it
	bucket op.Bucketer
	lo, hi float64 // of the numbers that settle chooses by
}

// newAxis returns the axis of a field. The one that cuts is cut also without
// options, as the time of a timechart is.
func newAxis(env *exec.Env, field string, bins *op.Buckets, cuts bool) *axis {
	a := &axis{bins: bins, env: env, clock: field == "_time", times: field == "_time", most: 300, chosen: true, lo: bins.Start, hi: bins.End}
	if cuts {
		a.most = 100
	}
	switch {
	case bins.Span != nil:
		a.span = bins.Span
		if a.clock {
			a.span = a.span.Aligned(bins.Align, env)
		}
		a.times = a.times || a.span.Unit != "" && a.span.Unit != "log"
	case !cuts && !bins.Chooses():
		return a
	case a.times && !env.Earliest.IsZero():
		latest := env.Latest
		if latest.IsZero() {
			latest = env.Now
		}
		a.span = a.timeSpan(splunktime.Epoch(latest) - splunktime.Epoch(env.Earliest))
	case a.times: // rows are gathered by the second, and joined when their range is known
		a.span, a.chosen = &op.Span{Text: "1s", N: 1, Unit: "s"}, false
	default:
		a.chosen = false
	}
	a.bucket = op.Bucketer{Span: a.span, Zone: env.Zone}
	return a
}

// timeSpan chooses a span for a range of seconds.
func (a *axis) timeSpan(width float64) *op.Span {
	return op.AtLeast(op.TimeSpan(width, a.buckets()), a.bins.MinSpan).Aligned(a.bins.Align, a.env)
}

func (a *axis) buckets() int { return cmp.Or(a.bins.Bins, a.most) }

// column returns what the values of a column are gathered by.
func (a *axis) column(col *vector.Column, name string, n int) *vector.Column {
	switch {
	case a.span == nil:
		return col.Renamed(name)
	case a.clock:
		return a.bucket.Starts(name, col, n)
	}
	vals := make([]vector.Value, n)
	for i := range vals {
		vals[i] = a.shown(col.At(i))
	}
	return vector.NewColumn(name, vals)
}

// shown returns the bucket of a value; what is no number stays as it is.
func (a *axis) shown(v vector.Value) vector.Value {
	f, ok := v.Num()
	switch {
	case !ok || a.span == nil:
		return v
	case a.times:
		return vector.Float(a.bucket.Start(f))
	}
	return a.span.Label(f)
}

// note takes a value that was gathered into the range that settle chooses by.
func (a *axis) note(v vector.Value) {
	if f, ok := v.Num(); ok {
		if !(f >= a.lo) {
			a.lo = f
		}
		if !(f <= a.hi) {
			a.hi = f
		}
	}
}

// noteAll notes the values of a column, each of several.
func (a *axis) noteAll(c *vector.Column, rows int) {
	if a.chosen {
		return
	}
	vals, codes := c.Codes()
	if v, ok := c.Constant(); ok {
		vals = []vector.Value{v}
	} else if codes == nil {
		vals = c.Rows(make([]vector.Value, rows))
	}
	for _, v := range vals {
		a.env.Poll()
		if v.Kind() != vector.List {
			a.note(v)
			continue
		}
		for _, s := range v.All() {
			a.note(vector.String(s))
		}
	}
}

// take takes over the range of another axis of the same field.
func (a *axis) take(o *axis) {
	if o.lo <= o.hi { // else none was noted
		a.note(vector.Float(o.lo))
		a.note(vector.Float(o.hi))
	}
}

// settle chooses the span of the result where it depends on the values: those that
// were noted and the keys of groups at a place.
func (a *axis) settle(groups []*op.Group, key int) {
	if a.chosen {
		return
	}
	for _, grp := range groups {
		a.env.Poll()
		a.note(grp.Key(key))
	}
	if a.times {
		a.span = op.AtLeast(op.TimeSpanOf(a.lo, a.hi, a.buckets()), a.bins.MinSpan).Aligned(a.bins.Align, a.env)
		a.bucket = op.Bucketer{Span: a.span, Zone: a.env.Zone}
		return
	}
	a.span = op.AtLeast(op.NiceSpan(a.lo, a.hi, a.buckets()), a.bins.MinSpan)
}

// relabel is shown for values that were gathered before the span was settled.
func (a *axis) relabel(v vector.Value) vector.Value {
	if a.chosen {
		return v
	}
	return a.shown(v)
}
