package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mvcount", "mvcount(<value>)", "The number of values; null if there are none.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() {
			return null
		}
		return vector.Int(a[0].Len())
	}, `mvcount(split("a,b", ","))`, `"2"`)
}
