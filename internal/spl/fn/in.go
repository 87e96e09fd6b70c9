package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "in", "in(<value>, <candidate>, …)", "Whether the value equals one of the others; case-sensitive.", 2, -1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() {
			return null
		}
		for _, c := range a[1:] {
			if expr.Matches(a[0], c) {
				return vector.Truth(true)
			}
		}
		return vector.Truth(false)
	}, `if(in("b", "a", "b"), 1, 2)`, `"1"`)
	batched("in", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		return c.AmongKernel(call.Args[0], call.Args[1:])
	})
	gives(syntax.GivesTest, "in")
}
