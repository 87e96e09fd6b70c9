package fn

func init() {
	edit("json_set_exact", "The JSON with the keys, taken as they are written, set.", true, func(_, val node) (node, bool) { return val, true }, `json_set_exact("{}", "a.b", 1)`, `"{\"a.b\":1}"`)
}
