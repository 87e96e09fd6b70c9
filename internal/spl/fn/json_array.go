package fn

import (
	"strings"

	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_array", "json_array(<value>, …)", "A JSON array of the values.", 0, -1, func(a []vector.Value) vector.Value {
		parts := make([]string, len(a))
		for i, v := range a {
			parts[i] = encode(v)
		}
		return vector.String("[" + strings.Join(parts, ",") + "]")
	}, `json_array("a", 1)`, `"[\"a\",1]"`)
}
