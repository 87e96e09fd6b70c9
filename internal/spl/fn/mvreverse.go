package fn

import (
	"slices"

	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mvreverse", "mvreverse(<value>)", "The values in reverse order.", 1, 1, func(a []vector.Value) vector.Value {
		list := slices.Clone(a[0].All())
		slices.Reverse(list)
		return vector.Strings(list)
	}, `mvreverse(split("a,b", ","))`, `["b","a"]`)
}
