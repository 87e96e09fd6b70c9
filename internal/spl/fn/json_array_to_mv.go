package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_array_to_mv", "json_array_to_mv(<json array> [, <keep quotes>])", "The elements of a JSON array as several values.", 1, 2, func(a []vector.Value) vector.Value {
		return arrayToMV(a[0], len(a) == 2 && a[1].True())
	}, `json_array_to_mv("[\"a\",1]")`, `["a","1"]`)
}
