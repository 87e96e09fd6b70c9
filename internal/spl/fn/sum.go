package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(mathematical, "sum", "sum(<number>, …)", "The sum of the numbers among the values; null when there are no values.", 1, -1, func(a []vector.Value) vector.Value {
		total, some := 0.0, false
		for _, v := range a {
			some = some || !v.IsNull()
		}
		if !some {
			return null
		}
		eachNumber(a, func(f float64) { total += f })
		return vector.Float(total)
	}, `sum("1", 2, 3)`, `"6"`)
}
