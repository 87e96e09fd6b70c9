package fn

import (
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "null", "null()", "The missing value; setting a field to it removes the field.", 0, 0, func([]vector.Value) vector.Value { return null }, `null()`, ``)
	gives(syntax.GivesEither, "null")
}
