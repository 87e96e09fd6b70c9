package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_extract_exact", "json_extract_exact(<json>, <key>, …)", "The value of a key of the object. The key is taken literally: dots are part of it.", 1, -1, func(a []vector.Value) vector.Value { return jsonExtract(a, true) }, `json_extract_exact("{\"a.b\":1}", "a.b")`, `"1"`)
}
