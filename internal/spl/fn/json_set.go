package fn

func init() {
	edit("json_set", "The JSON with the values at the paths set; what is not there is made.", false, func(_, val node) (node, bool) { return val, true }, `json_set("{\"a\":{}}", "a.b", 1)`, `"{\"a\":{\"b\":1}}"`)
}
