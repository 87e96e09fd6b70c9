package fn

import (
	"errors"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	d := &syntax.FunctionDef{
		Name: "searchmatch", Group: conditional, Min: 1, Max: 1, Syntax: `searchmatch("<search expression>")`,
		Doc:      "Whether the row matches a search expression, by the rules of the search command.",
		Examples: example(`if(searchmatch("r=*"), 1, 2)`, `"2"`),
		Reads: func(call *syntax.Call) []string {
			e, err := searchArgument(call)
			if err != nil {
				return nil
			}
			return filter.FieldsOf(e)
		},
	}
	syntax.RegisterFunction(d)
	expr.Implement(d, expr.Implementation{Compile: compileSearchmatch, Kernel: searchmatchKernel})
	gives(syntax.GivesTest, "searchmatch")
}

func searchArgument(call *syntax.Call) (filter.Expr, error) {
	lit, ok := call.Args[0].(*syntax.Literal)
	if !ok {
		return nil, diag.At(call.Span, "searchmatch takes a search expression in double quotes")
	}
	e, err := syntax.ParseSearchExpr(lit.Value.Text())
	if err != nil {
		var inner *diag.Error
		if errors.As(err, &inner) {
			return nil, diag.At(lit.Span, "searchmatch: %s", inner.Msg).WithHint("%s", inner.Hint)
		}
		return nil, diag.At(lit.Span, "searchmatch: %v", err)
	}
	return e, nil
}

// matcher returns the matcher of a searchmatch, the fields it reads and their
// slots.
func matcher(c *expr.Compiler, call *syntax.Call) (m *filter.Matcher, names []string, slots []int, err error) {
	e, err := searchArgument(call)
	if err != nil {
		return nil, nil, nil, err
	}
	names = filter.FieldsOf(e)
	slots = make([]int, len(names))
	for i, n := range names {
		slots[i] = c.Slot(n)
	}
	m, err = filter.NewMatcher(e, c.Clock())
	return m, names, slots, err
}

func compileSearchmatch(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	m, names, slots, err := matcher(c, call)
	if err != nil {
		return nil, err
	}
	return func(f *expr.Frame) vector.Value {
		b := vector.NewBuilder()
		b.Add()
		for i, n := range names {
			b.Set(n, f.Get(slots[i]))
		}
		return vector.Truth(len(m.Select(b.Batch())) == 1)
	}, nil
}

func searchmatchKernel(c *expr.Compiler, call *syntax.Call) expr.Kernel {
	m, _, slots, err := matcher(c, call)
	if err != nil {
		return expr.Kernel{}
	}
	var buf []expr.Test
	return expr.Kernel{Tests: func(f *expr.Frame, n int) []expr.Test {
		out := expr.Scratch(&buf, n)
		for i := range out {
			out[i] = expr.No
		}
		for _, i := range m.Select(f.Batch(n, slots)) {
			out[i] = expr.Yes
		}
		return out
	}}
}
