package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "coalesce", "coalesce(<value>, …)", "The first value that is not null. An empty text is not null.", 1, -1, coalesce, `coalesce(null(), "b")`, `"b"`, "ifnull")
}

func coalesce(args []vector.Value) vector.Value {
	for _, a := range args {
		if !a.IsNull() {
			return a
		}
	}
	return null
}
