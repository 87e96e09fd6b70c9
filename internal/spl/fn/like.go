package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conditional, "like", "like(<text>, <pattern>)", "Whether the text fits the pattern: % is any run of characters, _ one. Case counts.", 2, 2, compileLike, `if(like("abc", "a%"), 1, 2)`, `"1"`)
	batched("like", func(c *spl.Compiler, call *spl.Call) spl.Kernel {
		if lit, ok := call.Args[1].(*spl.Literal); ok {
			return spl.LikeKernel(c.Kernel(call.Args[0]), lit.Value)
		}
		return spl.Kernel{}
	})
	gives(spl.GivesTest, "like")
}

func compileLike(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	if lit, ok := call.Args[1].(*spl.Literal); ok {
		fits := spl.LikePattern(lit.Value.Text())
		return func(f *spl.Frame) vector.Value { return spl.AnyOf(evs[0](f), fits) }, nil
	}
	return func(f *spl.Frame) vector.Value {
		p := evs[1](f)
		if p.IsNull() {
			return null
		}
		return spl.AnyOf(evs[0](f), spl.LikePattern(p.Text()))
	}, nil
}
