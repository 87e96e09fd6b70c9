package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(mathematical, "sum", "sum(<number>, …)", "The sum of the numbers among the values.", 1, -1, func(a []vector.Value) vector.Value {
		total := 0.0
		eachNumber(a, func(f float64) { total += f })
		return vector.Float(total)
	}, `sum("1", 2, 3)`, `"6"`)
}
