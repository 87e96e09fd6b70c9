package fn

import (
	"math"
)

func init() {
	unary(mathematical, "ceiling", "The least whole number that is not smaller.", math.Ceil, "ceiling(1.2)", `"2"`, "ceil")
	unary(mathematical, "floor", "The greatest whole number that is not larger.", math.Floor, "floor(1.8)", `"1"`)
}
