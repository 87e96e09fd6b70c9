package expr

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func (c *Compiler) unary(e *syntax.Unary) (Eval, error) {
	if e.Op == "NOT" {
		x, err := c.Condition(e.X)
		if err != nil {
			return nil, err
		}
		return func(f *Frame) vector.Value {
			v := x(f)
			if v.IsNull() {
				return v
			}
			return vector.Truth(!v.True())
		}, nil
	}
	x, err := c.Compile(e.X)
	if err != nil || e.Op != "-" {
		return x, err
	}
	return func(f *Frame) vector.Value {
		v := x(f)
		if n, ok := v.Num(); ok {
			return vector.Literal(-n, v.Sig())
		}
		return vector.Value{}
	}, nil
}

func (c *Compiler) binary(e *syntax.Binary) (Eval, error) {
	operands := c.All
	if e.Op == "AND" || e.Op == "OR" || e.Op == "XOR" {
		operands = c.Conditions
	}
	evs, err := operands([]syntax.Expr{e.L, e.R})
	if err != nil {
		return nil, err
	}
	l, r := evs[0], evs[1]
	if Gives(e) == syntax.GivesTest {
		c.warnOfTexts(e)
	}
	switch e.Op {
	case "AND":
		return and(l, r), nil
	case "OR":
		return or(l, r), nil
	case "XOR":
		return func(f *Frame) vector.Value {
			a, b := l(f), r(f)
			if a.IsNull() || b.IsNull() {
				return vector.Value{}
			}
			return vector.Truth(a.True() != b.True())
		}, nil
	case ".":
		c.noteDotted(e)
		return func(f *Frame) vector.Value {
			a, b := l(f), r(f)
			return c.concat(f, &a, &b)
		}, nil
	case "LIKE":
		return c.like(e, l, r)
	case "=", "!=", "<", "<=", ">", ">=":
		if lit, ok := e.R.(*syntax.Literal); ok {
			return c.compareWith(e.L, l, lit.Value, vector.Relations[e.Op]), nil
		}
		pass := vector.Relations[e.Op]
		return func(f *Frame) vector.Value {
			a, b := l(f), r(f)
			return anyPair(&a, &b, pass)
		}, nil
	}
	slow, fast := c.add(l, r), arithmetic[e.Op]
	switch {
	case fast == nil:
		return nil, diag.At(e.Span, "%s cannot be computed", e.Op)
	case e.Op == "*" && c.exact:
		slow = func(f *Frame) vector.Value {
			a, b := l(f), r(f)
			return exactProduct(&a, &b)
		}
	case e.Op == "*":
		slow = func(f *Frame) vector.Value {
			a, b := l(f), r(f)
			return product(&a, &b)
		}
	case e.Op != "+":
		slow = numeric(l, r, fast)
	}
	x, y := c.leaf(e.L), c.leaf(e.R)
	if x == nil || y == nil {
		return slow, nil
	}
	return func(f *Frame) vector.Value {
		if a, ok := x(f); ok {
			if b, ok := y(f); ok {
				if z, ok := fast(a, b); ok {
					return vector.Float(z)
				}
				return vector.Value{}
			}
		}
		return slow(f)
	}, nil
}

// arithmetic maps operators to functions on numbers. They return false if there
// is no result.
var arithmetic = map[string]func(x, y float64) (float64, bool){
	"+": func(x, y float64) (float64, bool) { return x + y, true },
	"-": func(x, y float64) (float64, bool) { return x - y, true },
	"*": func(x, y float64) (float64, bool) { return x * y, true },
	"/": func(x, y float64) (float64, bool) { return x / y, y != 0 },
	"%": func(x, y float64) (float64, bool) { return math.Mod(x, y), y != 0 },
}

// leaf reads a field or literal that is a number without tracked digits,
// without creating a Value. The function returns false if the operator must use
// its slow path. leaf returns nil for other operands, which would otherwise be
// computed twice.
func (c *Compiler) leaf(e syntax.Expr) func(f *Frame) (float64, bool) {
	switch e := e.(type) {
	case *syntax.Literal:
		n, ok := e.Value.Num()
		ok = ok && e.Value.Sig() == 0
		return func(*Frame) (float64, bool) { return n, ok }
	case *syntax.Field:
		i := c.Slot(e.Name)
		return func(f *Frame) (float64, bool) {
			if s := &f.slots[i]; !s.set && s.col != nil {
				return s.col.Num(f.row)
			}
			return 0, false
		}
	}
	return nil
}

// numeric applies op to two numbers. The result is null if a side is not a
// number or op returns false.
func numeric(l, r Eval, op func(x, y float64) (float64, bool)) Eval {
	return func(f *Frame) vector.Value {
		a := l(f)
		x, ok := a.Num()
		if !ok {
			return vector.Value{}
		}
		b := r(f)
		y, ok := b.Num()
		if !ok {
			return vector.Value{}
		}
		z, ok := op(x, y)
		if !ok {
			return vector.Value{}
		}
		return vector.Float(z)
	}
}

// add returns the sum of two numbers, or the concatenation of two texts that
// are not numbers.
func (c *Compiler) add(l, r Eval) Eval {
	return func(f *Frame) vector.Value {
		a, b := l(f), r(f)
		x, okx := a.Num()
		y, oky := b.Num()
		switch {
		case okx && oky:
			return vector.Float(x + y)
		case okx || oky || a.Kind() != vector.Text || b.Kind() != vector.Text:
			return vector.Value{}
		}
		return c.concat(f, &a, &b)
	}
}

// concat concatenates two texts. The result is null if a side is missing or has
// several values.
func (c *Compiler) concat(f *Frame, a, b *vector.Value) vector.Value {
	ka, kb := a.Kind(), b.Kind()
	switch {
	case ka == vector.Null || kb == vector.Null || ka == vector.List || kb == vector.List:
		return vector.Value{}
	}
	x, y := a.Text(), b.Text()
	if len(x)+len(y) > MaxValue {
		c.Warn("%v", ErrTooLarge)
		return vector.Value{}
	}
	return vector.String(f.texts.join(x, y))
}

// ErrTooLarge means that a value would be larger than MaxValue or MaxList. The
// value is null instead.
var ErrTooLarge = fmt.Errorf("a value larger than %d MiB, or a list larger than %d MiB, is left out", MaxValue>>20, MaxList>>20)

// product multiplies. Numbers written with a decimal point keep the significant
// digits of the less precise one.
func product(a, b *vector.Value) vector.Value {
	x, okx := a.Num()
	y, oky := b.Num()
	if !okx || !oky {
		return vector.Value{}
	}
	z, sa, sb := x*y, a.Sig(), b.Sig()
	switch {
	case sa > 0 && sb > 0:
		return Significant(z, min(sa, sb))
	case sa > 0 || sb > 0: // sigfig() needs them
		return vector.Literal(z, max(sa, sb))
	}
	return vector.Float(z)
}

// exactProduct multiplies without rounding. It shows at least the significant
// digits of the more precise side.
func exactProduct(a, b *vector.Value) vector.Value {
	x, okx := a.Num()
	y, oky := b.Num()
	if !okx || !oky {
		return vector.Value{}
	}
	z, sig := x*y, max(a.Sig(), b.Sig())
	if sig > 0 {
		shown := Significant(z, sig)
		// A difference from binary rounding alone does not lose digits.
		if r, _ := shown.Num(); math.Abs(r-z) <= 4e-16*math.Abs(z) {
			return shown
		}
	}
	return vector.Exact(z)
}

// Significant rounds to sig significant digits and shows all of them, as Splunk
// does for a product of numbers written with a decimal point.
func Significant(f float64, sig int) vector.Value {
	if f == 0 || math.IsInf(f, 0) || sig > 17 {
		return vector.Literal(f, sig)
	}
	// Round halves by the shortest decimal, not by the binary fraction.
	_, exp, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	power, _ := strconv.Atoi(exp)
	scale := math.Pow(10, float64(sig-1-power))
	shifted, err := strconv.ParseFloat(strconv.FormatFloat(f*scale, 'g', 15, 64), 64)
	if err != nil {
		return vector.Literal(f, sig)
	}
	g := math.Round(shifted) / scale
	text := ""
	if decimals := sig - 1 - power; decimals > 0 {
		text = strconv.FormatFloat(g, 'f', min(decimals, 17), 64)
	}
	return vector.Literal(g, sig).WithText(text)
}
