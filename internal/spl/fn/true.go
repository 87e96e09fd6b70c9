package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "true", "true()", "The test that holds.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(true) }, `if(true(), 1, 2)`, `"1"`)
	function(conditional, "false", "false()", "The test that does not hold.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(false) }, `if(false(), 1, 2)`, `"2"`)
}
