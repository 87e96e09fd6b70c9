package fn

import (
	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(multivalue, "mvmap", "mvmap(<field>, <expression>)", "The expression computed for each value of the field.", 2, 2, compileMvmap, `mvmap(_time, _time+1)`, `"1700000001"`)
}

func compileMvmap(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	name, err := onlyField(call, call.Args[0])
	if err != nil {
		return nil, err
	}
	if name == "" {
		return nil, diag.At(call.Span, "the first argument of mvmap must be a field")
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
	return func(f *spl.Frame) vector.Value {
		var list []string
		size := 0
		for _, s := range subject(f).All() {
			v := f.With(slot, vector.String(s), body)
			if size += v.Size(); size > spl.MaxList {
				c.Warn("mvmap: %v", spl.ErrTooLarge)
				return null
			}
			list = append(list, v.All()...)
		}
		return vector.Strings(list)
	}, nil
}
