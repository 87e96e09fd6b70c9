package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "true", "true()", "The Boolean true.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(true) }, `if(true(), 1, 2)`, `"1"`)
	function(conditional, "false", "false()", "The Boolean false.", 0, 0, func([]vector.Value) vector.Value { return vector.Truth(false) }, `if(false(), 1, 2)`, `"2"`)
	for name, always := range map[string]expr.Test{"true": expr.Yes, "false": expr.No} {
		batched(name, func(*expr.Compiler, *syntax.Call) expr.Kernel {
			var buf []expr.Test
			return expr.Kernel{Tests: func(_ *expr.Frame, n int) []expr.Test {
				for len(buf) < n {
					buf = append(buf, always)
				}
				return buf[:n]
			}}
		})
	}
	gives(syntax.GivesTest, "true", "false")
}
