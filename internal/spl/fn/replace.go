package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(texts, "replace", "replace(<text>, <regex>, <replacement>)", `The text with every match of the regular expression replaced; \1 is the first group.`, 3, 3, compileReplace, `replace("1/14/2023", "^(\d+)/(\d+)/", "\2/\1/")`, `"14/1/2023"`)
}

func compileReplace(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	regex, err := expression(c, call.Args[1])
	if err != nil {
		return nil, err
	}
	repl, err := c.Compile(call.Args[2])
	if err != nil {
		return nil, err
	}
	var known memo[string]
	var p patience
	_, fixed := call.Args[1].(*syntax.Literal)
	if _, ok := call.Args[2].(*syntax.Literal); !ok {
		fixed = false
	}
	return func(f *expr.Frame) vector.Value {
		re, with, v := regex(f), repl(f), subject(f)
		if re == nil || with.IsNull() {
			return null
		}
		repl, size := with.Text(), 0
		return c.Bounded(text(func(s string) string {
			if size > expr.MaxList { // the rest no longer matters
				return s
			}
			replaced := func(s string) (out string, keep bool) {
				if p.lost() {
					return s, false
				}
				out, err := re.Replace(s, repl, 0)
				if p.heard(c, "replace", err); err != nil {
					return s, false
				}
				return out, len(out) <= 2*memoBytes
			}
			var out string
			if fixed {
				out = known.of(s, replaced)
			} else {
				out, _ = replaced(s)
			}
			size += len(out)
			return out
		})([]vector.Value{v}))
	}, nil
}
