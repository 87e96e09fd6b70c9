package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "todouble", "todouble(<value>)", "The value if it is a number, otherwise null.", 1, 1, func(a []vector.Value) vector.Value {
		f, ok := a[0].Num()
		if !ok {
			return null
		}
		return float(f)
	}, `todouble("2.5")`, `"2.5"`)
}
