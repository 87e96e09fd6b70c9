package fn

import (
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

func init() {
	function(jsons, "json_entries", "json_entries(<json>)", `The members of an object as a JSON array of {"key":…,"value":…}.`, 1, 1, func(a []vector.Value) vector.Value {
		return members(a[0], func(key string, val []byte) string {
			return `{"key":` + string(jsonscan.AppendQuoted(nil, key)) + `,"value":` + string(jsonscan.Compact(val)) + "}"
		})
	}, `json_entries("{\"a\":1}")`, `"[{\"key\":\"a\",\"value\":1}]"`)
}
