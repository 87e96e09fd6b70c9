package fn

import (
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_has_key_exact", "json_has_key_exact(<json>, <key>)", "Whether the object has the key, taken literally.", 2, 2, func(a []vector.Value) vector.Value {
		found := false
		eachMember(a[0], func(key string, _ []byte) { found = found || key == a[1].Text() })
		return vector.Truth(found)
	}, `if(json_has_key_exact("{\"a\":1}", "a"), 1, 2)`, `"1"`)
	gives(syntax.GivesTest, "json_has_key_exact")
}
