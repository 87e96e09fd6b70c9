package fn

import (
	"strings"

	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "tobool", "tobool(<value>)", "Converts true and false, t and f, yes and no to a Boolean. Of numbers, only 0 is false.", 1, 1, tobool, `if(tobool("true"), 1, 2)`, `"1"`)
	gives(syntax.GivesEither, "tobool")
}

func tobool(a []vector.Value) vector.Value {
	if a[0].Kind() == vector.Bool {
		return a[0]
	}
	if f, ok := a[0].Num(); ok {
		return vector.Truth(f != 0)
	}
	switch strings.ToLower(a[0].Text()) {
	case "true", "t", "yes":
		return vector.Truth(true)
	case "false", "f", "no":
		return vector.Truth(false)
	}
	return null
}
