package fn

func init() {
	edit("json_extend", "The JSON with the elements of the given arrays put at the ends of the arrays at the paths.", false, func(old, val node) node {
		switch {
		case old.kind != '[':
		case val.kind == '[':
			old.vals = append(old.vals, val.vals...)
		default:
			old.vals = append(old.vals, val)
		}
		return old
	}, `json_extend("{\"a\":[1]}", "a", "[2,3]")`, `"{\"a\":[1,2,3]}"`)
}
