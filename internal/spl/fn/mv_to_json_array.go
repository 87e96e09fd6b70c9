package fn

func init() {
	compiled(multivalue, "mv_to_json_array", "mv_to_json_array(<value> [, <infer>])", "The values as a JSON array. With true as the second argument, values that are valid JSON are kept as JSON and others become null.", 1, 2, withFlag(mvToArray), `mv_to_json_array(split("\"a\",1,b", ","), true())`, `"[\"a\",1,null]"`)
}
