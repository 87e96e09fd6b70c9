package fn

import (
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_valid", "json_valid(<text>)", "Whether the text is valid JSON.", 1, 1, func(a []vector.Value) vector.Value {
		return vector.Truth(kindOf(a[0]) != 0)
	}, `if(json_valid("{a:1}"), 1, 2)`, `"2"`)
	gives(syntax.GivesTest, "json_valid")
}
