package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mvappend", "mvappend(<value>, …)", "All values, concatenated into one list.", 1, -1, func(a []vector.Value) vector.Value {
		var list []string
		for _, v := range a {
			list = append(list, v.All()...)
		}
		return vector.Strings(list)
	}, `mvappend("a", split("b,c", ","))`, `["a","b","c"]`)
}
