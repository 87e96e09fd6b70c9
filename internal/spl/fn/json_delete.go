package fn

func init() {
	function(jsons, "json_delete", "json_delete(<json>, <path>, …)", "The JSON with the values at the paths removed. A path may be a JSON array of paths.", 2, -1, jsonDelete, `json_delete("{\"a\":1,\"b\":2}", "a")`, `"{\"b\":2}"`)
}
