package agg

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "min", Syntax: "min(<field>)", Doc: "The least value: as numbers when all are, else by the bytes of the text.",
		Examples: example("min(x)", `{"r":"2"}`),
		New:      func(*spl.Env, float64) spl.Aggregate { return &extremes{want: -1} },
	})
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "max", Syntax: "max(<field>)", Doc: "The greatest value: as numbers when all are, else by the bytes of the text.",
		Examples: example("max(u)", `{"r":"c"}`),
		New:      func(*spl.Env, float64) spl.Aggregate { return &extremes{want: 1} },
	})
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "range", Syntax: "range(<field>)", Doc: "The greatest number less the least.",
		Examples: example("range(x)", `{"r":"7"}`),
		New:      func(*spl.Env, float64) spl.Aggregate { return &extremes{} },
	})
}

// extremes keeps the ends of the values both as numbers and as text, since a
// later value may turn out to be no number.
type extremes struct {
	want     int // -1 min, 1 max, 0 range
	numbers  bool
	texts    bool // some value was no number
	lo, hi   vector.Value
	loN, hiN float64
	any      bool
}

func (e *extremes) Update(v vector.Value, _ float64) {
	for i := range v.Len() {
		one := v
		if v.Kind() == vector.List {
			one = vector.String(v.At(i))
		}
		e.add(one)
	}
}

func (e *extremes) add(v vector.Value) {
	f, ok := v.Num()
	if ok && (!e.numbers || f < e.loN) {
		e.loN = f
	}
	if ok && (!e.numbers || f > e.hiN) {
		e.hiN = f
	}
	e.numbers = e.numbers || ok
	e.texts = e.texts || !ok
	if e.want == 0 {
		return
	}
	s := v.Text()
	if !e.any || s < e.lo.Text() {
		e.lo = v.Clone()
	}
	if !e.any || s > e.hi.Text() {
		e.hi = v.Clone()
	}
	e.any = true
}

func (e *extremes) Merge(other spl.Aggregate) {
	o := other.(*extremes)
	if o.numbers {
		if !e.numbers || o.loN < e.loN {
			e.loN = o.loN
		}
		if !e.numbers || o.hiN > e.hiN {
			e.hiN = o.hiN
		}
	}
	if o.any {
		if !e.any || o.lo.Text() < e.lo.Text() {
			e.lo = o.lo
		}
		if !e.any || o.hi.Text() > e.hi.Text() {
			e.hi = o.hi
		}
	}
	e.numbers, e.texts, e.any = e.numbers || o.numbers, e.texts || o.texts, e.any || o.any
}

func (e *extremes) Result() vector.Value {
	switch {
	case e.want == 0 && e.numbers:
		return vector.Float(e.hiN - e.loN)
	case e.want == 0:
		return vector.Value{}
	case e.numbers && !e.texts && e.want < 0:
		return vector.Float(e.loN)
	case e.numbers && !e.texts:
		return vector.Float(e.hiN)
	case e.want < 0:
		return e.lo
	}
	return e.hi
}

func (e *extremes) Size() int { return len(e.lo.Text()) + len(e.hi.Text()) }
