package fn

import (
	"math"

	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "toint", "toint(<value>)", "The whole part of a number.", 1, 1, func(a []vector.Value) vector.Value {
		f, ok := a[0].Num()
		if !ok {
			return null
		}
		return float(math.Trunc(f))
	}, `toint("3.99")`, `"3"`)
}
