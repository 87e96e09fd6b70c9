package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "tomv", "tomv(<json array>)", "The elements of a JSON array as several values.", 1, 1, func(a []vector.Value) vector.Value { return arrayToMV(a[0], false) }, `tomv("[1,\"b\"]")`, `["1","b"]`)
}
