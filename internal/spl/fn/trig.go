package fn

import (
	"math"
)

func init() {
	unary(trigonometry, "acos", "The angle, in radians, whose cosine this is.", math.Acos, "acos(1)", `"0"`)
	unary(trigonometry, "acosh", "The inverse hyperbolic cosine.", math.Acosh, "acosh(1)", `"0"`)
	unary(trigonometry, "asin", "The angle, in radians, whose sine this is.", math.Asin, "asin(0)", `"0"`)
	unary(trigonometry, "asinh", "The inverse hyperbolic sine.", math.Asinh, "asinh(0)", `"0"`)
	unary(trigonometry, "atan", "The angle, in radians, whose tangent this is.", math.Atan, "atan(0)", `"0"`)
	unary(trigonometry, "atanh", "The inverse hyperbolic tangent.", math.Atanh, "atanh(0)", `"0"`)
	unary(trigonometry, "cos", "The cosine of an angle in radians.", math.Cos, "cos(0)", `"1"`)
	unary(trigonometry, "cosh", "The hyperbolic cosine.", math.Cosh, "cosh(0)", `"1"`)
	unary(trigonometry, "sin", "The sine of an angle in radians.", math.Sin, "sin(0)", `"0"`)
	unary(trigonometry, "sinh", "The hyperbolic sine.", math.Sinh, "sinh(0)", `"0"`)
	unary(trigonometry, "tan", "The tangent of an angle in radians.", math.Tan, "tan(0)", `"0"`)
	unary(trigonometry, "tanh", "The hyperbolic tangent.", math.Tanh, "tanh(0)", `"0"`)
	function(trigonometry, "atan2", "atan2(<y>, <x>)", "The angle of the point (x, y) in radians.", 2, 2, two(math.Atan2), "atan2(0, 1)", `"0"`)
	function(trigonometry, "hypot", "hypot(<x>, <y>)", "The length of the long side of a right triangle.", 2, 2, two(math.Hypot), "hypot(3, 4)", `"5"`)
}
