package fn

func init() {
	edit("json_append", "The JSON with the values appended to the arrays at the paths.", false, func(old, val node) (node, bool) {
		old.vals = append(old.vals, val)
		return old, old.kind == '['
	}, `json_append("{\"a\":[1]}", "a", 2)`, `"{\"a\":[1,2]}"`)
}
