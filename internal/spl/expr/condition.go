package expr

import (
	"strings"
	"unicode"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Gives returns the kind of result of an expression.
func Gives(e syntax.Expr) syntax.Outcome {
	switch e := e.(type) {
	case *syntax.Binary:
		switch e.Op {
		case "AND", "OR", "XOR", "LIKE":
			return syntax.GivesTest
		}
		if vector.Relations[e.Op] != 0 {
			return syntax.GivesTest
		}
	case *syntax.Unary:
		if e.Op == "NOT" {
			return syntax.GivesTest
		}
	case *syntax.Among:
		return syntax.GivesTest
	case *syntax.Call:
		return e.Def.Gives
	case *syntax.Inner:
		return syntax.GivesEither
	}
	return syntax.GivesValue
}

// warnOfTexts warns about a comparison of two literals if the first looks like
// a field name.
func (c *Compiler) warnOfTexts(e *syntax.Binary) {
	lit, ok := e.L.(*syntax.Literal)
	if _, both := e.R.(*syntax.Literal); !ok || !both || lit.Value.Kind() != vector.Text || !pathLike(lit.Value.Text()) {
		return
	}
	c.Warn(`"%s" is text here; to use the field of that name, write '%[1]s' in single quotes`, lit.Value.Text())
}

// pathLike reports whether a text consists of names separated by dots, like a
// JSON field.
func pathLike(s string) bool {
	parts := strings.Split(s, ".")
	for _, part := range parts {
		name := strings.TrimSuffix(part, "{}")
		if name == "" || isDigit(name[0]) || strings.ContainsFunc(name, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return false
		}
	}
	return len(parts) > 1
}

// Condition is Compile for an expression that must be a condition. Here the
// words true and false are conditions.
func (c *Compiler) Condition(e syntax.Expr) (Eval, error) {
	if Gives(e) != syntax.GivesValue {
		return c.Compile(e)
	}
	if f, ok := e.(*syntax.Field); ok {
		switch {
		case strings.EqualFold(f.Name, "true"), strings.EqualFold(f.Name, "false"):
			v := vector.Truth(strings.EqualFold(f.Name, "true"))
			return func(*Frame) vector.Value { return v }, nil
		}
		return nil, diag.At(f.Span, "expected a condition, not a field").WithHint(`compare it, as in %s="true", or use isnotnull(%[1]s)`, syntax.PrintExpr(f))
	}
	return nil, diag.At(e.Place(), "expected a condition, not a value").WithHint("compare it with something")
}

func isDigit(c byte) bool { return c-'0' <= 9 }
