package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "toarray", "toarray(<value>)", "The values as a JSON array; JSON arrays are unchanged.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == '[' {
			return a[0]
		}
		if a[0].IsNull() || a[0].Kind() == vector.List {
			return mvToArray(a[0], false)
		}
		return vector.String("[" + encode(a[0]) + "]")
	}, `toarray("a")`, `"[\"a\"]"`)
}
