package fn

import (
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_object", "json_object(<key>, <value>, …)", "A JSON object of the keys and values. Values that are JSON objects or arrays are nested as such; a pair without a key is left out.", 0, -1, jsonObject, `json_object("a", 1, "b", "x")`, `"{\"a\":1,\"b\":\"x\"}"`)
	checked(pairs(0, "a key and a value"), "json_object")
}

func jsonObject(a []vector.Value) vector.Value {
	var b strings.Builder
	b.WriteByte('{')
	for i := 0; i+1 < len(a); i += 2 {
		if a[i].IsNull() {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(jsonscan.AppendQuoted(nil, a[i].Text()))
		b.WriteByte(':')
		b.WriteString(encode(a[i+1]))
	}
	b.WriteByte('}')
	return vector.String(b.String())
}
