package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(statistical, "avg", "avg(<number>, …)", "The mean of the numbers among the values.", 1, -1, func(a []vector.Value) vector.Value {
		total, n := 0.0, 0.0
		eachNumber(a, func(f float64) { total += f; n++ })
		return float(total / n)
	}, `avg(1, 2, "6")`, `"3"`)
}
