package expr

import (
	"math"
	"strings"

	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Kernel computes an expression for all rows of a batch at once. It handles the
// simple rows, which are nearly all, and leaves the others to the expression's
// Eval, so that only Eval defines the full semantics.
//
// The zero Kernel belongs to an expression without one. An expression may have
// several forms. Each form returns a slice of length n that is valid until its
// next call. The slice may be a column of the batch, so callers must not modify
// it.
type Kernel struct {
	Nums   func(f *Frame, n int) []float64      // plain numbers; NaN = ask Eval
	Tests  func(f *Frame, n int) []Test         // Ask = ask Eval
	Values func(f *Frame, n int) []vector.Value // a Bool = ask Eval
}

// Test is the result of a condition in one row.
type Test uint8

// The results of a condition.
const (
	Ask Test = iota
	Missing
	No
	Yes
)

// Holds converts a bool to a Test.
func Holds(b bool) Test {
	if b {
		return Yes
	}
	return No
}

// Scratch returns buf resized to n elements with arbitrary contents.
func Scratch[T any](buf *[]T, n int) []T {
	if cap(*buf) < n {
		*buf = make([]T, n)
	}
	*buf = (*buf)[:n]
	return *buf
}

// ask is the value that requests Eval.
var ask = vector.Truth(false)

// AsValues returns the Values form, derived from Nums if necessary, or nil if
// there is neither.
func (k Kernel) AsValues() func(f *Frame, n int) []vector.Value {
	if k.Values != nil || k.Nums == nil {
		return k.Values
	}
	var buf []vector.Value
	return func(f *Frame, n int) []vector.Value {
		out := Scratch(&buf, n)
		for i, x := range k.Nums(f, n) {
			if out[i] = ask; x == x {
				out[i] = vector.Float(x)
			}
		}
		return out
	}
}

// Kernel returns the kernel of an expression.
func (c *Compiler) Kernel(e syntax.Expr) Kernel {
	switch e := e.(type) {
	case *syntax.Literal:
		return literalKernel(e.Value)
	case *syntax.Field:
		return fieldKernel(c.Slot(e.Name))
	case *syntax.Unary:
		return c.unaryKernel(e)
	case *syntax.Binary:
		return c.binaryKernel(e)
	case *syntax.Among:
		return c.AmongKernel(e.X, e.List)
	case *syntax.Call:
		if kernel := implementations[e.Def].Kernel; kernel != nil {
			return kernel(c, e)
		}
	}
	return Kernel{}
}

func literalKernel(v vector.Value) (k Kernel) {
	var vals []vector.Value
	k.Values = func(_ *Frame, n int) []vector.Value {
		for len(vals) < n {
			vals = append(vals, v)
		}
		return vals[:n]
	}
	if x, ok := v.Num(); ok && v.Sig() == 0 {
		var nums []float64
		k.Nums = func(_ *Frame, n int) []float64 {
			for len(nums) < n {
				nums = append(nums, x)
			}
			return nums[:n]
		}
	}
	return k
}

func fieldKernel(slot int) Kernel {
	var nums []float64
	var vals []vector.Value
	return Kernel{
		Nums: func(f *Frame, n int) []float64 {
			out := Scratch(&nums, n)
			f.slots[slot].col.Nums(out)
			return out
		},
		Values: func(f *Frame, n int) []vector.Value {
			return f.slots[slot].col.Rows(Scratch(&vals, n))
		},
	}
}

func (c *Compiler) unaryKernel(e *syntax.Unary) Kernel {
	x := c.Kernel(e.X)
	switch {
	case e.Op == "NOT" && x.Tests != nil:
		return TestEach(x.Tests, func(t Test) Test {
			switch t {
			case No:
				return Yes
			case Yes:
				return No
			}
			return t
		})
	case e.Op == "-" && x.Nums != nil:
		return NumEach(x, func(x float64) float64 { return -x })
	}
	return Kernel{}
}

// TestEach is the kernel of a function of one condition.
func TestEach(in func(f *Frame, n int) []Test, fn func(t Test) Test) Kernel {
	var buf []Test
	return Kernel{Tests: func(f *Frame, n int) []Test {
		out := Scratch(&buf, n)
		for i, t := range in(f, n) {
			out[i] = fn(t)
		}
		return out
	}}
}

// NumEach is the kernel of a function of one number. It is empty if x has no
// numeric form.
func NumEach(x Kernel, fn func(x float64) float64) Kernel {
	if x.Nums == nil {
		return Kernel{}
	}
	var buf []float64
	return Kernel{Nums: func(f *Frame, n int) []float64 {
		out := Scratch(&buf, n)
		for i, x := range x.Nums(f, n) {
			out[i] = fn(x)
		}
		return out
	}}
}

// TestValues is the kernel of a condition on one value, which may be null or a
// list but not a condition itself. It is empty if x has no values.
func TestValues(x Kernel, test func(v *vector.Value) Test) Kernel {
	in := x.AsValues()
	if in == nil {
		return Kernel{}
	}
	var buf []Test
	return Kernel{Tests: func(f *Frame, n int) []Test {
		out, vals := Scratch(&buf, n), in(f, n)
		for i := range vals {
			if out[i] = Ask; vals[i].Kind() != vector.Bool {
				out[i] = test(&vals[i])
			}
		}
		return out
	}}
}

// TextEach is the kernel of a function of one text. It is empty if x has no
// values.
func TextEach(x Kernel, fn func(s string) string) Kernel {
	in := x.AsValues()
	if in == nil {
		return Kernel{}
	}
	var buf []vector.Value
	return Kernel{Values: func(f *Frame, n int) []vector.Value {
		out, vals := Scratch(&buf, n), in(f, n)
		for i := range vals {
			switch v := &vals[i]; {
			case v.Kind() == vector.Null:
				out[i] = vector.Value{}
			case v.Kind() == vector.Text && v.Size() < MaxValue/4:
				out[i] = vector.String(fn(v.Text()))
			default:
				out[i] = ask
			}
		}
		return out
	}}
}

func (c *Compiler) binaryKernel(e *syntax.Binary) Kernel {
	l, r := c.Kernel(e.L), c.Kernel(e.R)
	switch e.Op {
	case "AND", "OR", "XOR":
		if l.Tests == nil || r.Tests == nil {
			return Kernel{}
		}
		table := logic[e.Op]
		var buf []Test
		return Kernel{Tests: func(f *Frame, n int) []Test {
			out, a, b := Scratch(&buf, n), l.Tests(f, n), r.Tests(f, n)
			for i := range out {
				out[i] = table[a[i]][b[i]]
			}
			return out
		}}
	case "=", "!=", "<", "<=", ">", ">=":
		if lit, ok := e.R.(*syntax.Literal); ok && !lit.Value.IsNull() {
			return compareKernel(l, lit.Value, vector.Relations[e.Op])
		}
		return pairKernel(l, r, vector.Relations[e.Op])
	case "LIKE":
		if lit, ok := e.R.(*syntax.Literal); ok {
			return LikeKernel(l, lit.Value)
		}
		return Kernel{}
	case ".":
		return c.concatKernel(l, r)
	}
	fast := arithmetic[e.Op]
	if fast == nil || l.Nums == nil || r.Nums == nil || e.Op == "*" && c.exact {
		return Kernel{}
	}
	var buf []float64
	each := func(fn func(out, x, y []float64)) Kernel {
		return Kernel{Nums: func(f *Frame, n int) []float64 {
			out := Scratch(&buf, n)
			fn(out, l.Nums(f, n)[:len(out)], r.Nums(f, n)[:len(out)])
			return out
		}}
	}
	switch e.Op {
	case "+":
		return each(func(out, x, y []float64) {
			for i := range out {
				out[i] = x[i] + y[i]
			}
		})
	case "-":
		return each(func(out, x, y []float64) {
			for i := range out {
				out[i] = x[i] - y[i]
			}
		})
	case "*":
		return each(func(out, x, y []float64) {
			for i := range out {
				out[i] = x[i] * y[i]
			}
		})
	}
	return each(func(out, x, y []float64) {
		for i := range out {
			z, ok := fast(x[i], y[i])
			if out[i] = z; !ok {
				out[i] = math.NaN()
			}
		}
	})
}

// logic holds the three-valued operators. The left side alone may decide.
var logic = map[string][4][4]Test{
	"AND": {Missing: {Ask, Missing, No, Missing}, No: {No, No, No, No}, Yes: {Ask, Missing, No, Yes}},
	"OR":  {Missing: {Ask, Missing, Missing, Yes}, No: {Ask, Missing, No, Yes}, Yes: {Yes, Yes, Yes, Yes}},
	"XOR": {Missing: {Ask, Missing, Missing, Missing}, No: {Ask, Missing, No, Yes}, Yes: {Ask, Missing, Yes, No}},
}

// compareKernel compares with a literal.
func compareKernel(l Kernel, lit vector.Value, pass vector.Relation) Kernel {
	num, isNum := lit.Num()
	text := lit.Text()
	if l.Values == nil && l.Nums != nil && isNum {
		var buf []Test
		return Kernel{Tests: func(f *Frame, n int) []Test {
			out := Scratch(&buf, n)
			for i, x := range l.Nums(f, n) {
				if out[i] = Ask; x == x {
					out[i] = Holds(pass.Has(vector.CompareFloats(x, num)))
				}
			}
			return out
		}}
	}
	return TestValues(l, func(v *vector.Value) Test {
		switch v.Kind() {
		case vector.Null:
			return Missing
		case vector.List:
			return Ask
		}
		if isNum {
			if x, ok := v.Num(); ok {
				return Holds(pass.Has(vector.CompareFloats(x, num)))
			}
		}
		if pass == vector.EqualTo {
			return Holds(v.Text() == text)
		}
		return Holds(pass.Has(strings.Compare(v.Text(), text)))
	})
}

func pairKernel(l, r Kernel, pass vector.Relation) Kernel {
	left, right := l.AsValues(), r.AsValues()
	if left == nil || right == nil {
		return Kernel{}
	}
	var buf []Test
	return Kernel{Tests: func(f *Frame, n int) []Test {
		out, a, b := Scratch(&buf, n), left(f, n), right(f, n)
		for i := range out {
			ka, kb := a[i].Kind(), b[i].Kind()
			switch {
			case ka == vector.Bool || kb == vector.Bool || ka == vector.List || kb == vector.List:
				out[i] = Ask
			case ka == vector.Null || kb == vector.Null:
				out[i] = Missing
			default:
				out[i] = Holds(pass.Has(vector.CompareValues(a[i], b[i])))
			}
		}
		return out
	}}
}

// LikeKernel is the kernel of LIKE and like() with a literal pattern.
func LikeKernel(x Kernel, pattern vector.Value) Kernel {
	fits := LikePattern(pattern.Text())
	return TestValues(x, func(v *vector.Value) Test {
		switch v.Kind() {
		case vector.Null:
			return Missing
		case vector.List:
			return Ask
		}
		return Holds(fits(v.Text()))
	})
}

// AmongKernel is the kernel of IN and in() with only literal values.
func (c *Compiler) AmongKernel(x syntax.Expr, list []syntax.Expr) Kernel {
	texts, nums := map[string]bool{}, map[float64]bool{}
	for _, e := range list {
		lit, ok := e.(*syntax.Literal)
		if !ok || lit.Value.IsNull() {
			return Kernel{}
		}
		if num, ok := lit.Value.Num(); ok {
			nums[num] = true
		} else {
			texts[lit.Value.Text()] = true
		}
	}
	return TestValues(c.Kernel(x), func(v *vector.Value) Test {
		switch v.Kind() {
		case vector.Null:
			return Missing
		case vector.List:
			return Ask
		}
		if len(nums) > 0 {
			if num, ok := v.Num(); ok {
				return Holds(nums[num])
			}
		}
		return Holds(texts[v.Text()])
	})
}

func (c *Compiler) concatKernel(l, r Kernel) Kernel {
	left, right := l.AsValues(), r.AsValues()
	if left == nil || right == nil {
		return Kernel{}
	}
	var buf []vector.Value
	return Kernel{Values: func(f *Frame, n int) []vector.Value {
		out, a, b := Scratch(&buf, n), left(f, n), right(f, n)
		for i := range out {
			x, y := &a[i], &b[i]
			if x.Kind() == vector.Bool || y.Kind() == vector.Bool || x.Size()+y.Size() > MaxValue {
				out[i] = ask
				continue
			}
			out[i] = c.concat(f, x, y)
		}
		return out
	}}
}

// Choose is the kernel of a function that returns the value of the first
// condition that holds, or null if none does.
func Choose(tests []func(f *Frame, n int) []Test, vals []func(f *Frame, n int) []vector.Value) Kernel {
	const most = 16 // every value is computed for every row, so limit them
	if len(tests) > most {
		return Kernel{}
	}
	var buf []vector.Value
	var settled []bool
	return Kernel{Values: func(f *Frame, n int) []vector.Value {
		out, done := Scratch(&buf, n), Scratch(&settled, n)
		clear(out)
		clear(done)
		for i := range tests {
			t, v := tests[i](f, n), vals[i](f, n)
			for row := range out {
				switch {
				case done[row]:
				case t[row] == Ask:
					out[row], done[row] = ask, true
				case t[row] == Yes:
					out[row], done[row] = v[row], true
				}
			}
		}
		return out
	}}
}
