package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conditional, "like", "like(<text>, <pattern>)", "Whether the text matches the pattern: % matches any run of characters, _ one character. Case-sensitive.", 2, 2, compileLike, `if(like("abc", "a%"), 1, 2)`, `"1"`)
	batched("like", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		if lit, ok := call.Args[1].(*syntax.Literal); ok {
			return expr.LikeKernel(c.Kernel(call.Args[0]), lit.Value)
		}
		return expr.Kernel{}
	})
	gives(syntax.GivesTest, "like")
}

func compileLike(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	if lit, ok := call.Args[1].(*syntax.Literal); ok {
		fits := expr.LikePattern(lit.Value.Text())
		return func(f *expr.Frame) vector.Value { return expr.AnyOf(evs[0](f), fits) }, nil
	}
	return func(f *expr.Frame) vector.Value {
		p := evs[1](f)
		if p.IsNull() {
			return null
		}
		return expr.AnyOf(evs[0](f), expr.LikePattern(p.Text()))
	}, nil
}
