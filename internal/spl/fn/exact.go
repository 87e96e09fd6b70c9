package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(mathematical, "exact", "exact(<number>)", "The number without the rounding to significant digits that products of decimals get.", 1, 1, func(a []vector.Value) vector.Value {
		f, ok := a[0].Num()
		if !ok {
			return null
		}
		return vector.Exact(f)
	}, "8.250 * exact(0.2)", `"1.650"`)
}
