package fn

import (
	"slices"

	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mvsort", "mvsort(<value>)", "The values sorted by their bytes.", 1, 1, func(a []vector.Value) vector.Value {
		return vector.Strings(slices.Sorted(slices.Values(a[0].All())))
	}, `mvsort(split("c,B,a", ","))`, `["B","a","c"]`)
}
