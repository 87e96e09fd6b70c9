package fn

import (
	"math"
)

func init() {
	unary(mathematical, "ceiling", "The number rounded up to an integer.", math.Ceil, "ceiling(1.2)", `"2"`, "ceil")
	unary(mathematical, "floor", "The number rounded down to an integer.", math.Floor, "floor(1.8)", `"1"`)
}
