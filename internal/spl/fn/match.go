package fn

import (
	"errors"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/pcre"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conditional, "match", "match(<text>, <regex>)", "Whether the regular expression matches anywhere in the text. Case-sensitive unless it starts with (?i).", 2, 2, compileMatch, `if(match("abc", "b.$"), 1, 2)`, `"1"`)
	gives(syntax.GivesTest, "match")
}

// expression returns the regular expression of an argument. It compiles a
// literal once and other arguments for each row; the result is nil where the
// expression is missing or invalid.
func expression(c *expr.Compiler, arg syntax.Expr) (func(f *expr.Frame) *pcre.Regexp, error) {
	if lit, ok := arg.(*syntax.Literal); ok {
		re, err := pcre.Compile(lit.Value.Text())
		if err != nil {
			return nil, diag.At(lit.Span, "%v", err)
		}
		re = re.Polling(c.Poll)
		return func(*expr.Frame) *pcre.Regexp { return re }, nil
	}
	ev, err := c.Compile(arg)
	if err != nil {
		return nil, err
	}
	return func(f *expr.Frame) *pcre.Regexp {
		p := ev(f)
		if p.IsNull() {
			return nil
		}
		re, err := pcre.Compile(p.Text())
		if err != nil {
			c.Warn("a computed regular expression is invalid: %v", err)
			return nil
		}
		return re.Polling(c.Poll)
	}, nil
}

// maxLate is how many texts may time out before the expression is abandoned.
// Each of them takes pcre.MatchTime, during which the search cannot be
// canceled.
const maxLate = 20

// patience counts the texts that timed out.
type patience struct{ late int }

// lost reports whether the expression is abandoned.
func (p *patience) lost() bool { return p.late >= maxLate }

// heard records and reports an error of a match.
func (p *patience) heard(c *expr.Compiler, function string, err error) {
	if err == nil {
		return
	}
	c.Warn("%s: %v", function, err)
	if !errors.Is(err, pcre.ErrTime) {
		return
	}
	if p.late++; p.late == maxLate {
		c.Warn("%s: the regular expression took too long on %d texts and is no longer used", function, maxLate)
	}
}

func compileMatch(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	subject, err := c.Compile(call.Args[0])
	if err != nil {
		return nil, err
	}
	regex, err := expression(c, call.Args[1])
	if err != nil {
		return nil, err
	}
	var known memo[bool]
	var p patience
	_, fixed := call.Args[1].(*syntax.Literal)
	return func(f *expr.Frame) vector.Value {
		re := regex(f)
		if re == nil {
			return null
		}
		fits := func(s string) (ok, keep bool) {
			if p.lost() {
				return false, false
			}
			ok, err := re.Match(s)
			p.heard(c, "match", err)
			return ok, err == nil
		}
		if fixed && !re.Linear() {
			return expr.AnyOf(subject(f), func(s string) bool { return known.of(s, fits) })
		}
		return expr.AnyOf(subject(f), func(s string) bool { ok, _ := fits(s); return ok })
	}, nil
}
