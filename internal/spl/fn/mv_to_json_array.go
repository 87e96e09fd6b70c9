package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mv_to_json_array", "mv_to_json_array(<value> [, <infer>])", "The values as a JSON array; with infer=true() those that read as JSON stay what they are.", 1, 2, func(a []vector.Value) vector.Value {
		return mvToArray(a[0], len(a) == 2 && a[1].True())
	}, `mv_to_json_array(split("a,1", ","), true())`, `"[\"a\",1]"`)
}
