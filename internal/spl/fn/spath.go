package fn

import (
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

func init() {
	function(texts, "spath", "spath(<json>, <path>)", "The value at a path of a JSON text, as the command spath finds it.", 2, 2, spath, `spath("{\"a\":[{\"b\":1},{\"b\":2}]}", "a{}.b")`, `["1","2"]`)
}

func spath(a []vector.Value) vector.Value {
	p, err := jsonscan.ParsePath(a[1].Text())
	if err != nil || a[0].IsNull() || a[1].IsNull() {
		return null
	}
	var found []string
	// What is no JSON has nothing at any path.
	_ = p.Get([]byte(a[0].Text()), func(v []byte) bool {
		switch jsonscan.KindOf(v) {
		case jsonscan.Null:
		case jsonscan.Composite:
			found = append(found, string(jsonscan.Compact(v)))
		default:
			found = append(found, jsonscan.Scalar(v))
		}
		return true
	})
	return vector.Strings(found)
}
