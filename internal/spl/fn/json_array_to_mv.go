package fn

func init() {
	compiled(jsons, "json_array_to_mv", "json_array_to_mv(<json array> [, <keep quotes>])", "The elements of a JSON array as several values. With true as the second argument, strings keep their quotes.", 1, 2, withFlag(arrayToMV), `json_array_to_mv("[\"a\",1]")`, `["a","1"]`)
}
