package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// unary registers a function of one number.
func unary(group, name, doc string, f func(float64) float64, e, want string, aliases ...string) {
	function(group, name, name+"(<number>)", doc, 1, 1, number(f), e, want, aliases...)
	checked(numbers(), name)
	batched(name, func(c *expr.Compiler, call *syntax.Call) expr.Kernel { return expr.NumEach(c.Kernel(call.Args[0]), f) })
}

func two(f func(x, y float64) float64) func(a []vector.Value) vector.Value {
	return func(a []vector.Value) vector.Value {
		x, okx := a[0].Num()
		y, oky := a[1].Num()
		if !okx || !oky {
			return null
		}
		return float(f(x, y))
	}
}

func eachNumber(a []vector.Value, add func(float64)) {
	for _, v := range a {
		for i := range v.Len() {
			if v.Kind() != vector.List {
				if f, ok := v.Num(); ok {
					add(f)
				}
			} else if f, ok := vector.ParseNumber(v.At(i)); ok {
				add(f)
			}
		}
	}
}
