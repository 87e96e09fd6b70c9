package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conditional, "if", "if(<test>, <then>, <else>)", "The second argument where the test is true, else the third. A null test is not true.", 3, 3, compileIf, `if(1=1, "yes", "no")`, `"yes"`)
}

func compileIf(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	test, then, otherwise := evs[0], evs[1], evs[2]
	return func(f *spl.Frame) vector.Value {
		if test(f).True() {
			return then(f)
		}
		return otherwise(f)
	}, nil
}
