package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mvdedup", "mvdedup(<value>)", "The distinct values, in order of first appearance.", 1, 1, func(a []vector.Value) vector.Value {
		seen := map[string]bool{}
		return keep(a[0], func(s string) bool { was := seen[s]; seen[s] = true; return !was })
	}, `mvdedup(split("b,a,b", ","))`, `["b","a"]`)
}
