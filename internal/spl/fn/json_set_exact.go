package fn

func init() {
	edit("json_set_exact", "The JSON with the keys set; keys are taken literally.", true, func(_, val node) (node, bool) { return val, true }, `json_set_exact("{}", "a.b", 1)`, `"{\"a.b\":1}"`)
}
