package fn

func init() {
	compiled(multivalue, "mv_to_json_array", "mv_to_json_array(<value> [, <infer>])", "The values as a JSON array; with true as the second argument those that read as JSON stay what they are.", 1, 2, withFlag(mvToArray), `mv_to_json_array(split("a,1", ","), true())`, `"[\"a\",1]"`)
}
