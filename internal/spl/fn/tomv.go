package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "tomv", "tomv(<value>)", "The elements of a JSON array as several values; other values are unchanged.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == '[' {
			return arrayToMV(a[0], false)
		}
		return a[0]
	}, `tomv("[1,\"b\"]")`, `["1","b"]`)
}
