package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(multivalue, "mvfilter", "mvfilter(<test>)", "The values for which the condition is true. The condition may use only one field.", 1, 1, compileMvfilter, `mvfilter(match(split("a,b", ","), "b"))`, ``)
}

func compileMvfilter(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	name, err := onlyField(call, call.Args[0])
	if err != nil {
		return nil, err
	}
	test, err := c.Condition(call.Args[0])
	if err != nil || name == "" {
		return func(*expr.Frame) vector.Value { return null }, err
	}
	slot := c.Slot(name)
	return func(f *expr.Frame) vector.Value {
		kept := keep(f.Get(slot), c.Poll, func(s string) bool { return !f.Spent() && f.With(slot, vector.String(s), test).True() })
		if f.Spent() {
			c.Warn("mvfilter: %v", expr.ErrTooMuch)
			return null
		}
		return kept
	}, nil
}
