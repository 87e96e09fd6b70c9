package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "toobject", "toobject(<json>)", "The value if it is a JSON object, otherwise null.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == '{' {
			return vector.String(tidied(a[0].Text()))
		}
		return null
	}, `toobject("{\"a\":1}")`, `"{\"a\":1}"`)
}
