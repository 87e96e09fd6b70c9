package fn

import (
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_keys", "json_keys(<json>)", "The keys of an object as a JSON array; null for other values.", 1, 1, func(a []vector.Value) vector.Value {
		return members(a[0], func(key string, _ []byte) string { return string(jsonscan.AppendQuoted(nil, key)) })
	}, `json_keys("{\"a\":1,\"b\":2}")`, `"[\"a\",\"b\"]"`)
}
