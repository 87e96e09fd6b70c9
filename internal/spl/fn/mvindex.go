package fn

import (
	"slices"

	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mvindex", "mvindex(<value>, <start> [, <end>])", "The value at an index, or the values from start to end (inclusive). The first is 0, the last -1.", 2, 3, mvindex, `mvindex(split("a,b,c", ","), -2, -1)`, `["b","c"]`)
	checked(numbers(1, 2), "mvindex")
}

func mvindex(a []vector.Value) vector.Value {
	n := a[0].Len()
	from, ok := integer(a[1])
	if !ok {
		return null
	}
	if from < 0 {
		from += n
	}
	to := from
	if len(a) == 3 {
		if to, ok = integer(a[2]); !ok {
			return null
		}
		if to < 0 {
			to += n
		}
	}
	if from < 0 || from >= n || to < from {
		return null
	}
	return vector.Strings(slices.Clone(a[0].All()[from : min(to, n-1)+1]))
}
