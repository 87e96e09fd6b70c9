package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conditional, "if", "if(<test>, <then>, <else>)", "The second argument if the condition is true, otherwise the third. A null condition is not true.", 3, 3, compileIf, `if(1=1, "yes", "no")`, `"yes"`)
	batched("if", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		test, then, otherwise := c.Kernel(call.Args[0]).Tests, c.Kernel(call.Args[1]).AsValues(), c.Kernel(call.Args[2]).AsValues()
		if test == nil || then == nil || otherwise == nil {
			return expr.Kernel{}
		}
		var buf []vector.Value
		return expr.Kernel{Values: func(f *expr.Frame, n int) []vector.Value {
			out, t, a, b := expr.Scratch(&buf, n), test(f, n), then(f, n), otherwise(f, n)
			for i := range out {
				switch t[i] {
				case expr.Ask:
					out[i] = vector.Truth(false) // ask Eval for this row
				case expr.Yes:
					out[i] = a[i]
				default:
					out[i] = b[i]
				}
			}
			return out
		}}
	})
	gives(syntax.GivesEither, "if")
}

func compileIf(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	test, err := c.Condition(call.Args[0])
	if err != nil {
		return nil, err
	}
	evs, err := c.All(call.Args[1:])
	if err != nil {
		return nil, err
	}
	then, otherwise := evs[0], evs[1]
	return func(f *expr.Frame) vector.Value {
		if test(f).True() {
			return then(f)
		}
		return otherwise(f)
	}, nil
}
