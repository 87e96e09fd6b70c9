package agg

import (
	"math"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	for _, d := range []struct {
		name, doc, call, want string
		side                  int
	}{
		{"min", "The smallest value: numeric if all values are numbers, otherwise by the bytes of the text.", "min(x)", `{"r":"2"}`, -1},
		{"max", "The largest value: numeric if all values are numbers, otherwise by the bytes of the text.", "max(u)", `{"r":"c"}`, 1},
		{"range", "Maximum minus minimum, of the numbers.", "range(x)", `{"r":"7"}`, 0},
	} {
		exec.RegisterAggregate(&syntax.AggregateDef{
			Name: d.name, Syntax: d.name + "(<field>)", Doc: d.doc, Numeric: true, Examples: example(d.call, d.want),
		}, func(env *exec.Env, _ float64) exec.Aggregate { return &extremes{env: env, side: d.side} })
	}
}

// extremes keeps the ends of the values both as numbers and as text, since a
// later value may turn out to be no number.
type extremes struct {
	env     *exec.Env
	side    int // -1 min, 1 max, 0 range
	numbers bool
	texts   bool // some value was no number
	lo, hi  float64
	// Numbers with as many digits before the point are in the same order as
	// their texts. While all are, between from and to, text is not needed.
	from, to float64
	kept     bool // text holds the end of the texts
	text     string
}

var _ exec.Repeater = (*extremes)(nil)

func (e *extremes) Update(v vector.Value, _ float64) { e.Repeat(v, 1) }

// Repeat implements exec.Repeater: repetitions do not move the ends.
func (e *extremes) Repeat(v vector.Value, _ int) {
	if v.Kind() != vector.List {
		if !v.IsNull() {
			e.add(v)
		}
		return
	}
	var every exec.Every
	for _, s := range v.All() {
		every.Poll(e.env, 1024)
		e.add(vector.String(s))
	}
}

func (e *extremes) add(v vector.Value) {
	f, ok := v.Num()
	switch {
	case e.side == 0:
	case v.Kind() == vector.Number:
		e.addNumber(f)
	default:
		e.addText(v.Text())
	}
	if !ok {
		e.texts = true
		return
	}
	e.addRange(f, f)
}

// addNumber keeps the text of f in mind.
func (e *extremes) addNumber(f float64) {
	switch {
	case f >= e.from && f < e.to:
	case !e.kept && e.to == 0 && f >= 1 && f < 1e15:
		e.from, e.to = 1, 10
		for f >= e.to {
			e.from, e.to = e.to, e.to*10
		}
	default:
		e.addText(vector.FormatNumber(f))
	}
}

func (e *extremes) addText(s string) {
	e.settle()
	if !e.kept || e.side < 0 && s < e.text || e.side > 0 && s > e.text {
		e.text, e.kept = strings.Clone(s), true
	}
}

// settle turns what is known of numbers into text.
func (e *extremes) settle() {
	if e.to == 0 {
		return
	}
	f := e.lo
	if e.side > 0 {
		f = e.hi
	}
	e.from, e.to = 0, 0
	e.text, e.kept = vector.FormatNumber(f), true
}

func (e *extremes) addRange(lo, hi float64) {
	if !e.numbers {
		e.lo, e.hi, e.numbers = lo, hi, true
		return
	}
	e.lo, e.hi = math.Min(e.lo, lo), math.Max(e.hi, hi)
}

func (e *extremes) Merge(other exec.Aggregate) {
	o := other.(*extremes)
	switch {
	case e.side == 0:
	case o.kept:
		e.addText(o.text)
	case o.to != 0 && e.side < 0:
		e.addNumber(o.lo)
	case o.to != 0:
		e.addNumber(o.hi)
	}
	if o.numbers {
		e.addRange(o.lo, o.hi)
	}
	e.texts = e.texts || o.texts
}

// The flags of the state of extremes.
const (
	extremesNumbers = 1 << iota
	extremesTexts
	extremesKept
)

// Marshal implements exec.Aggregate: flags, the ends of the numbers, how many
// digits they all have before the point, the end of the texts.
func (e *extremes) Marshal(dst []byte) []byte {
	flags, digits := byte(0), byte(0)
	if e.numbers {
		flags |= extremesNumbers
	}
	if e.texts {
		flags |= extremesTexts
	}
	if e.kept {
		flags |= extremesKept
	}
	for to := e.to; to >= 10; to /= 10 {
		digits++
	}
	dst = append(dst, exec.StateExtremes, flags, digits)
	if e.numbers {
		dst = vector.AppendFloat(vector.AppendFloat(dst, e.lo), e.hi)
	}
	if e.kept {
		dst = vector.AppendText(dst, e.text)
	}
	return dst
}

// Unmarshal implements exec.Aggregate.
func (e *extremes) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateExtremes)
	flags, digits := d.Byte(), d.Byte()
	e.numbers, e.texts, e.kept = flags&extremesNumbers != 0, flags&extremesTexts != 0, flags&extremesKept != 0
	if e.numbers {
		e.lo, e.hi = d.Float(), d.Float()
	}
	if digits > 0 {
		if digits > 15 || !e.numbers || e.kept {
			d.Fail()
		}
		e.from, e.to = 1, 10
		for ; digits > 1 && digits <= 15; digits-- {
			e.from, e.to = e.to, e.to*10
		}
	}
	if e.kept {
		e.text = strings.Clone(d.Text())
	}
	return exec.StateRead(d)
}

func (e *extremes) Result() vector.Value {
	switch {
	case e.side == 0 && !e.numbers, !e.numbers && !e.kept:
		return vector.Value{}
	case e.side == 0:
		return vector.Float(e.hi - e.lo)
	case e.texts:
		e.settle()
		return vector.String(e.text)
	case e.side < 0:
		return vector.Float(e.lo)
	}
	return vector.Float(e.hi)
}

func (e *extremes) Size() int { return len(e.text) }
