package fn

import (
	"math"
)

func init() {
	unary(mathematical, "sqrt", "The square root; null for negative numbers.", math.Sqrt, "sqrt(9)", `"3"`)
	function(mathematical, "pow", "pow(<number>, <exponent>)", "The number raised to the exponent.", 2, 2, two(math.Pow), "pow(2, 10)", `"1024"`)
	checked(numbers(), "pow")
}
