package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "toarray", "toarray(<value>)", "Several values as a JSON array; JSON arrays as they are.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == '[' {
			return a[0]
		}
		return mvToArray(a[0], false)
	}, `toarray("a")`, `"[\"a\"]"`)
}
