package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "coalesce", "coalesce(<value>, …)", "The first value that is not null. An empty string is not null.", 1, -1, coalesce, `coalesce(null(), "b")`, `"b"`, "ifnull")
	batched("coalesce", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		var ins []func(f *expr.Frame, n int) []vector.Value
		for _, a := range call.Args {
			in := c.Kernel(a).AsValues()
			if in == nil {
				return expr.Kernel{}
			}
			ins = append(ins, in)
		}
		var buf []vector.Value
		return expr.Kernel{Values: func(f *expr.Frame, n int) []vector.Value {
			out := expr.Scratch(&buf, n)
			clear(out)
			for _, in := range ins {
				vals := in(f, n)
				for i := range out {
					if out[i].IsNull() {
						out[i] = vals[i]
					}
				}
			}
			return out
		}}
	})
	gives(syntax.GivesEither, "coalesce")
}

func coalesce(args []vector.Value) vector.Value {
	for _, a := range args {
		if !a.IsNull() {
			return a
		}
	}
	return null
}
