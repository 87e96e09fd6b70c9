package fn

func init() {
	edit("json_append", "The JSON with the values appended to the arrays at the paths. A value that is not an array becomes the first element of one.", false, func(old, val node) (node, bool) {
		return old.extended(val)
	}, `json_append("{\"a\":[1]}", "a", 2)`, `"{\"a\":[1,2]}"`)
}
