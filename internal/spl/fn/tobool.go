package fn

import (
	"strings"

	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "tobool", "tobool(<value>)", "A test from true and false, t and f, 1 and 0.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].Kind() == vector.Bool {
			return a[0]
		}
		switch strings.ToLower(a[0].Text()) {
		case "true", "t", "1", "yes":
			return vector.Truth(true)
		case "false", "f", "0", "no":
			return vector.Truth(false)
		}
		return null
	}, `if(tobool("true"), 1, 2)`, `"1"`)
}
