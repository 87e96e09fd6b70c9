package fn

import (
	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conditional, "case", "case(<test>, <value>, …)", "The value that follows the first true condition; null when none is true.", 2, -1, compileCase(true), `case(1=2, "a", 1=1, "b")`, `"b"`)
	batched("case", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		var tests []func(f *expr.Frame, n int) []expr.Test
		var vals []func(f *expr.Frame, n int) []vector.Value
		for i := 0; i+1 < len(call.Args); i += 2 {
			test, val := c.Kernel(call.Args[i]).Tests, c.Kernel(call.Args[i+1]).AsValues()
			if test == nil || val == nil {
				return expr.Kernel{}
			}
			tests, vals = append(tests, test), append(vals, val)
		}
		return expr.Choose(tests, vals)
	})
	gives(syntax.GivesEither, "case")
}

func compileCase(want bool) func(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	return func(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
		if len(call.Args)%2 != 0 {
			return nil, diag.At(call.Span, "%s takes pairs: a condition and a value", call.Def.Name).WithHint(`end with true(), "otherwise" for everything else`)
		}
		tests, vals := make([]expr.Eval, len(call.Args)/2), make([]expr.Eval, len(call.Args)/2)
		for i := range tests {
			var err error
			if tests[i], err = c.Condition(call.Args[2*i]); err != nil {
				return nil, err
			}
			if vals[i], err = c.Compile(call.Args[2*i+1]); err != nil {
				return nil, err
			}
		}
		return func(f *expr.Frame) vector.Value {
			for i, test := range tests {
				if v := test(f); v.True() == want && (want || !v.IsNull()) {
					return vals[i](f)
				}
			}
			return null
		}, nil
	}
}
