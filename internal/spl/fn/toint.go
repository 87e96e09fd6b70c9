package fn

import (
	"math"

	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "toint", "toint(<value> [, <base>])", "The integer part of a number; text may be in a base from 2 to 36.", 1, 2, func(a []vector.Value) vector.Value {
		f, ok := tonumber(a).Num()
		if !ok {
			return null
		}
		return float(math.Trunc(f))
	}, `toint("3.99")`, `"3"`)
}
