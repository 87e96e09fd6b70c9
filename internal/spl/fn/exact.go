package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(mathematical, "exact", "exact(<number>)", "The number without the rounding to significant digits that is applied to products of decimals.", 1, 1, compileExact, "exact(8.250 * 0.2)", `"1.650"`)
}

func compileExact(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	x, err := c.Exactly(call.Args[0])
	if err != nil {
		return nil, err
	}
	return func(f *expr.Frame) vector.Value {
		v := x(f)
		n, ok := v.Num()
		switch {
		case !ok:
			return null
		case v.Sig() > 0 && v.Text() != vector.FormatNumber(n):
			return v // keep the trailing zeros of the number
		}
		return vector.Exact(n)
	}, nil
}
