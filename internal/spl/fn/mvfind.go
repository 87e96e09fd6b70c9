package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(multivalue, "mvfind", "mvfind(<value>, <regex>)", "The index of the first value that matches the regular expression; null if none does.", 2, 2, compileMvfind, `mvfind(split("a,bb", ","), "^b")`, `"1"`)
}

func compileMvfind(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	regex, err := expression(c, call.Args[1])
	if err != nil {
		return nil, err
	}
	var p patience
	return func(f *expr.Frame) vector.Value {
		re := regex(f)
		if re == nil {
			return null
		}
		for i, s := range subject(f).All() {
			if p.lost() {
				return null
			}
			ok, err := re.Match(s)
			p.heard(c, "mvfind", err)
			if ok {
				return vector.Int(i)
			}
		}
		return null
	}, nil
}
