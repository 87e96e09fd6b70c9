package agg

import (
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	for _, d := range []struct {
		name, doc, want string
		last            bool
	}{
		{"first", "The value of the first row that has one. Events come newest first.", `{"r":"2"}`, false},
		{"last", "The value of the last row that has one.", `{"r":"4"}`, true},
	} {
		exec.RegisterAggregate(&syntax.AggregateDef{
			Name: d.name, Syntax: d.name + "(<field>)", Doc: d.doc, Ordered: true, Examples: example(d.name+"(x)", d.want),
		}, func(*exec.Env, float64) exec.Aggregate { return &edge{last: d.last} })
	}
	const byTime = `| makeresults format=json data="[{\"_time\":20,\"x\":\"new\"},{\"_time\":10,\"x\":\"old\"}]" | stats `
	for _, d := range []struct {
		name, doc, want string
		late            bool
		result          func(t *timed) vector.Value
	}{
		{"earliest", "The value of the row with the earliest _time.", `{"r":"old"}`, false, func(t *timed) vector.Value { return t.val }},
		{"latest", "The value of the row with the latest _time.", `{"r":"new"}`, true, func(t *timed) vector.Value { return t.val }},
		{"earliest_time", "The earliest _time of a row that has the field.", `{"r":"10"}`, false, func(t *timed) vector.Value { return vector.Float(t.at) }},
		{"latest_time", "The latest _time of a row that has the field.", `{"r":"20"}`, true, func(t *timed) vector.Value { return vector.Float(t.at) }},
	} {
		exec.RegisterAggregate(&syntax.AggregateDef{
			Name: d.name, Syntax: d.name + "(<field>)", Doc: d.doc, NeedTime: true,
			Examples: []syntax.Example{{Search: byTime + d.name + "(x) as r", Want: []string{d.want}}},
		}, func(*exec.Env, float64) exec.Aggregate { return &timed{late: d.late, result: d.result} })
	}
	exec.RegisterAggregate(&syntax.AggregateDef{
		Name: "rate", Syntax: "rate(<field>)", NeedTime: true,
		Doc: "The growth of a counter per second: its latest value minus its earliest, divided by the time between them.",
		Examples: []syntax.Example{{
			Search: `| makeresults format=json data="[{\"_time\":20,\"x\":\"30\"},{\"_time\":10,\"x\":\"10\"}]" | stats rate(x) as r`,
			Want:   []string{`{"r":"2"}`},
		}},
	}, func(*exec.Env, float64) exec.Aggregate {
		return &rate{timed{}, timed{late: true}}
	})
}

type edge struct {
	last bool
	val  vector.Value
}

func (e *edge) Update(v vector.Value, _ float64) {
	if !v.IsNull() && (e.last || e.val.IsNull()) {
		e.val = v.Clone()
	}
}

func (e *edge) Merge(other exec.Aggregate) { e.Update(other.(*edge).val, 0) }

// Marshal implements exec.Aggregate.
func (e *edge) Marshal(dst []byte) []byte {
	return vector.AppendValue(append(dst, exec.StateEdge), &e.val)
}

// Unmarshal implements exec.Aggregate.
func (e *edge) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateEdge)
	e.val = d.Value().Clone()
	return exec.StateRead(d)
}

func (e *edge) Result() vector.Value { return e.val }
func (e *edge) Size() int            { return e.val.Size() }

// timed keeps the value of the earliest or latest row. Of rows of the same time
// the greater text wins, so that the result does not depend on their order.
type timed struct {
	late   bool
	at     float64
	val    vector.Value
	result func(*timed) vector.Value
}

func (t *timed) Update(v vector.Value, at float64) {
	if v.IsNull() || math.IsNaN(at) {
		return
	}
	if t.val.IsNull() || at < t.at && !t.late || at > t.at && t.late || at == t.at && v.Text() > t.val.Text() {
		t.at, t.val = at, v.Clone()
	}
}

func (t *timed) Merge(other exec.Aggregate) {
	o := other.(*timed)
	t.Update(o.val, o.at)
}

// Marshal implements exec.Aggregate.
func (t *timed) Marshal(dst []byte) []byte { return t.marshal(append(dst, exec.StateTimed)) }

func (t *timed) marshal(dst []byte) []byte {
	return vector.AppendFloat(vector.AppendValue(dst, &t.val), t.at)
}

// Unmarshal implements exec.Aggregate.
func (t *timed) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateTimed)
	t.unmarshal(d)
	return exec.StateRead(d)
}

func (t *timed) unmarshal(d *vector.Decoder) {
	t.val, t.at = d.Value().Clone(), d.Float()
	if math.IsNaN(t.at) {
		d.Fail()
	}
}

func (t *timed) Result() vector.Value {
	if t.val.IsNull() {
		return vector.Value{}
	}
	return t.result(t)
}

func (t *timed) Size() int { return t.val.Size() }

type rate struct{ first, last timed }

func (r *rate) Update(v vector.Value, at float64) {
	r.first.Update(v, at)
	r.last.Update(v, at)
}

func (r *rate) Merge(other exec.Aggregate) {
	o := other.(*rate)
	r.first.Merge(&o.first)
	r.last.Merge(&o.last)
}

// Marshal implements exec.Aggregate.
func (r *rate) Marshal(dst []byte) []byte {
	return r.last.marshal(r.first.marshal(append(dst, exec.StateRate)))
}

// Unmarshal implements exec.Aggregate.
func (r *rate) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateRate)
	r.first.unmarshal(d)
	r.last.unmarshal(d)
	return exec.StateRead(d)
}

func (r *rate) Result() vector.Value {
	a, oka := r.first.val.Num()
	b, okb := r.last.val.Num()
	if !oka || !okb || r.last.at == r.first.at {
		return vector.Value{}
	}
	return vector.Float((b - a) / (r.last.at - r.first.at))
}

func (r *rate) Size() int { return r.first.Size() + r.last.Size() }
