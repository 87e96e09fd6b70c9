package fn

import (
	"slices"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(multivalue, "mvmap", "mvmap(<values>, <expression> [, <field>])", "Evaluates the expression for each value of a field, or of an expression over one field; in the expression, that field stands for the value. The third argument names the field if the first has several or none.", 2, 3, compileMvmap, `mvmap(_time, _time+1)`, `"1700000001"`)
}

// valueField returns the field that holds the current value.
func valueField(call *syntax.Call) (string, error) {
	if len(call.Args) == 3 {
		if f, ok := call.Args[2].(*syntax.Field); ok {
			return f.Name, nil
		}
		return "", diag.At(call.Args[2].Place(), "the third argument of mvmap must be a field")
	}
	names := expr.ExprFields(call.Args[0])
	slices.Sort(names)
	if names = slices.Compact(names); len(names) == 1 {
		return names[0], nil
	}
	return "", diag.At(call.Args[0].Place(), "the first argument of mvmap must have one field, which stands for the value").
		WithHint("a third argument names the field that does: mvmap(mvappend(a, b), x*2, x)")
}

func compileMvmap(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	name, err := valueField(call)
	if err != nil {
		return nil, err
	}
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	body, err := c.Compile(call.Args[1])
	if err != nil {
		return nil, err
	}
	slot := c.Slot(name)
	return func(f *expr.Frame) vector.Value {
		var list []string
		size := 0
		for _, s := range subject(f).All() {
			if f.Spent() {
				c.Warn("mvmap: %v", expr.ErrTooMuch)
				return null
			}
			v := f.With(slot, vector.String(s), body)
			if size += v.Size(); size > expr.MaxList {
				c.Warn("mvmap: %v", expr.ErrTooLarge)
				return null
			}
			list = append(list, v.All()...)
		}
		return vector.Strings(list)
	}, nil
}
