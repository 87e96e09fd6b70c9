package fn

import (
	"bluetrail/internal/spath"
	"bluetrail/internal/vector"
)

func init() {
	function(texts, "spath", "spath(<json or xml>, <path>)", "The value at a path of a JSON or XML text, as found by the spath command.", 2, 2, atPath, `spath("{\"a\":[{\"b\":1},{\"b\":2}]}", "a{}.b")`, `["1","2"]`)
}

func atPath(a []vector.Value) vector.Value {
	p, err := spath.Parse(a[1].Text())
	if err != nil || a[0].IsNull() || a[1].IsNull() {
		return null
	}
	return vector.Strings(spath.Find(a[0].Text(), p))
}
