package fn

func init() {
	edit("json_extend", "The JSON with the elements of the given arrays appended to the arrays at the paths.", false, func(old, val node) (node, bool) {
		if val.kind != '[' {
			val.vals = []node{val}
		}
		old.vals = append(old.vals, val.vals...)
		return old, old.kind == '['
	}, `json_extend("{\"a\":[1]}", "a", "[2,3]")`, `"{\"a\":[1,2,3]}"`)
}
