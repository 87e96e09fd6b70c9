package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(informational, "typeof", "typeof(<value>)", "The type of the value: Number, String, Bool, or Invalid if it is missing.", 1, 1, typeof, `typeof(12)`, `"Number"`)
}

func typeof(a []vector.Value) vector.Value {
	switch a[0].Kind() {
	case vector.Null:
		return vector.String("Invalid")
	case vector.Bool:
		return vector.String("Bool")
	}
	if _, ok := a[0].Num(); ok {
		return vector.String("Number")
	}
	return vector.String("String")
}
