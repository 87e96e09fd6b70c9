package fn

import (
	"math"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	angle("acos", "The angle, in radians, whose cosine this is.", math.Acos, "acos(1)", `"0"`)
	angle("acosh", "The inverse hyperbolic cosine.", math.Acosh, "acosh(1)", `"0"`)
	angle("asin", "The angle, in radians, whose sine this is.", math.Asin, "asin(0)", `"0"`)
	angle("asinh", "The inverse hyperbolic sine.", math.Asinh, "asinh(0)", `"0"`)
	angle("atan", "The angle, in radians, whose tangent this is.", math.Atan, "atan(0)", `"0"`)
	angle("atanh", "The inverse hyperbolic tangent.", math.Atanh, "atanh(0)", `"0"`)
	angle("cos", "The cosine of an angle in radians.", math.Cos, "cos(0)", `"1"`)
	angle("cosh", "The hyperbolic cosine.", math.Cosh, "cosh(0)", `"1"`)
	angle("sin", "The sine of an angle in radians.", math.Sin, "sin(0)", `"0"`)
	angle("sinh", "The hyperbolic sine.", math.Sinh, "sinh(0)", `"0"`)
	angle("tan", "The tangent of an angle in radians.", math.Tan, "tan(0)", `"0"`)
	angle("tanh", "The hyperbolic tangent.", math.Tanh, "tanh(0)", `"0"`)
	function(trigonometry, "atan2", "atan2(<y>, <x>)", "The angle of the point (x, y), in radians.", 2, 2, significant(two(math.Atan2)), "atan2(0, 1)", `"0"`)
	function(trigonometry, "hypot", "hypot(<x>, <y>)", "The length of the hypotenuse of a right triangle.", 2, 2, significant(two(math.Hypot)), "hypot(3, 4)", `"5"`)
	checked(numbers(), "atan2", "hypot")
}

// angle registers a function of one number that keeps the number's significant
// digits.
func angle(name, doc string, f func(float64) float64, expr, want string) {
	unary(trigonometry, name, doc, f, expr, want)
	syntax.LookupFunction(name).Call = significant(number(f))
}

// significant rounds a result to the significant digits of the least precise
// argument that was written with a decimal point.
func significant(f func(a []vector.Value) vector.Value) func(a []vector.Value) vector.Value {
	return func(a []vector.Value) vector.Value {
		digits := 0
		for _, v := range a {
			if n := v.Sig(); n > 0 && (digits == 0 || n < digits) {
				digits = n
			}
		}
		v := f(a)
		if n, ok := v.Num(); ok && digits > 0 {
			return expr.Significant(n, digits)
		}
		return v
	}
}
