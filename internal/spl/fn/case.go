package fn

import (
	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conditional, "case", "case(<test>, <value>, …)", "The value behind the first test that is true; null when none is.", 2, -1, compileCase(true), `case(1=2, "a", 1=1, "b")`, `"b"`)
	batched("case", func(c *spl.Compiler, call *spl.Call) spl.Kernel {
		var tests []func(f *spl.Frame, n int) []spl.Test
		var vals []func(f *spl.Frame, n int) []vector.Value
		for i := 0; i+1 < len(call.Args); i += 2 {
			test, val := c.Kernel(call.Args[i]).Tests, c.Kernel(call.Args[i+1]).AsValues()
			if test == nil || val == nil {
				return spl.Kernel{}
			}
			tests, vals = append(tests, test), append(vals, val)
		}
		return spl.Choose(tests, vals)
	})
	gives(spl.GivesEither, "case")
}

func compileCase(want bool) func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	return func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
		if len(call.Args)%2 != 0 {
			return nil, diag.At(call.Span, "%s takes pairs: a test and a value", call.Def.Name).WithHint(`end with true(), "otherwise" for all that is left`)
		}
		tests, vals := make([]spl.Eval, len(call.Args)/2), make([]spl.Eval, len(call.Args)/2)
		for i := range tests {
			var err error
			if tests[i], err = c.Condition(call.Args[2*i]); err != nil {
				return nil, err
			}
			if vals[i], err = c.Compile(call.Args[2*i+1]); err != nil {
				return nil, err
			}
		}
		return func(f *spl.Frame) vector.Value {
			for i, test := range tests {
				if v := test(f); v.True() == want && (want || !v.IsNull()) {
					return vals[i](f)
				}
			}
			return null
		}, nil
	}
}
