package fn

func init() {
	edit("json_set", "The JSON with the values set at the paths; missing objects are created.", false, func(_, val node) (node, bool) { return val, true }, `json_set("{\"a\":{}}", "a.b", 1)`, `"{\"a\":{\"b\":1}}"`)
}
