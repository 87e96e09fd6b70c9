package fn

import (
	"math"

	"bluetrail/internal/vector"
)

func init() {
	unary(mathematical, "exp", "e to the power of the number.", math.Exp, "exp(0)", `"1"`)
	unary(mathematical, "ln", "The natural logarithm; null if it is not defined.", positive(math.Log), "ln(1)", `"0"`)
	function(mathematical, "log", "log(<number> [, <base>])", "The logarithm; the base is 10 unless given.", 1, 2, logarithm, "log(8, 2)", `"3"`)
	checked(numbers(), "log")
}

func positive(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		if x <= 0 {
			return math.NaN()
		}
		return f(x)
	}
}

func logarithm(a []vector.Value) vector.Value {
	x, ok := a[0].Num()
	if !ok || x <= 0 {
		return null
	}
	if len(a) == 1 {
		return float(math.Log10(x))
	}
	base, ok := a[1].Num()
	switch {
	case !ok || base <= 0 || base == 1:
		return null
	case base == 2:
		return float(math.Log2(x))
	case base == 10:
		return float(math.Log10(x))
	}
	return float(math.Log(x) / math.Log(base))
}
