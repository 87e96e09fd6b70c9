package fn

import (
	"math"

	"bluetrail/internal/vector"
)

func init() {
	function(mathematical, "pi", "pi()", "The number pi.", 0, 0, func([]vector.Value) vector.Value { return vector.Float(math.Pi) }, "round(pi(), 4)", `"3.1416"`)
}
