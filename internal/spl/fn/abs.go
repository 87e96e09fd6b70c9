package fn

import (
	"math"
)

func init() {
	unary(mathematical, "abs", "The number without its sign.", math.Abs, "abs(-5)", `"5"`)
}
