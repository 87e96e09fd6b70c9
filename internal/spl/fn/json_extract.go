package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_extract", "json_extract(<json>, <path>, …)", "The value at a path; with several paths or several matches, a JSON array of them.", 1, -1, func(a []vector.Value) vector.Value { return jsonExtract(a, false) }, `json_extract("{\"a\":{\"b\":[1,2]}}", "a.b{1}")`, `"2"`)
}
