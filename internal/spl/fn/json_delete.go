package fn

func init() {
	function(jsons, "json_delete", "json_delete(<json>, <path>, …)", "The JSON without what is at the paths.", 2, -1, jsonDelete, `json_delete("{\"a\":1,\"b\":2}", "a")`, `"{\"b\":2}"`)
}
