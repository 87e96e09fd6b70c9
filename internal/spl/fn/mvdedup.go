package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	polled(multivalue, "mvdedup", "mvdedup(<value>)", "The distinct values, in order of first appearance.", 1, 1, func(a []vector.Value, poll func()) (vector.Value, error) {
		seen := map[string]bool{}
		return keep(a[0], poll, func(s string) bool { was := seen[s]; seen[s] = true; return !was }), nil
	}, `mvdedup(split("b,a,b", ","))`, `["b","a"]`)
}
