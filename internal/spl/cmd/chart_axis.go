package cmd

import (
	"cmp"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// axis is the row or column field of a chart and maps its values to buckets.
type axis struct {
	bins   *op.Buckets
	env    *exec.Env
	clock  bool     // the field is _time
	times  bool     // buckets are named by their start
	most   int      // maximum number of buckets by default
	span   *op.Span // nil = keep the values
	chosen bool     // span is final; otherwise settle chooses it
	bucket op.Bucketer
	lo, hi float64 // range of the numbers, for settle
}

// newAxis returns the axis of a field. If cuts is set, the axis has buckets
// even without options, like the time of a timechart.
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
	case a.times: // group by second; settle merges the groups once the range is known
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

// column returns the grouping key of each value of a column.
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

// shown returns the bucket of a value. Values that are not numbers stay as they
// are.
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

// note extends the range for settle by a grouped value.
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

// noteAll notes every value of a column, including each value of a list.
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

// take extends the range by that of another axis of the same field.
func (a *axis) take(o *axis) {
	if o.lo <= o.hi { // false if o has no numbers
		a.note(vector.Float(o.lo))
		a.note(vector.Float(o.hi))
	}
}

// settle chooses the final span if it depends on the values. The range covers
// the noted values and the keys of the groups at index key.
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

// relabel is shown for values that were grouped before settle chose the span.
func (a *axis) relabel(v vector.Value) vector.Value {
	if a.chosen {
		return v
	}
	return a.shown(v)
}
