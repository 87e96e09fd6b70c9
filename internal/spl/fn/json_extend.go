package fn

func init() {
	edit("json_extend", "The JSON with the elements of the given arrays appended to the arrays at the paths. A value that is not an array becomes the first element of one.", false, func(old, val node) (node, bool) {
		if val.kind != '[' {
			return old.extended(val)
		}
		return old.extended(val.vals...)
	}, `json_extend("{\"a\":[1]}", "a", "[2,3]")`, `"{\"a\":[1,2,3]}"`)
}
