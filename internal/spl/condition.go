package spl

import (
	"strings"
	"unicode"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"
)

// Gives returns what an expression gives.
func Gives(e Expr) Outcome {
	switch e := e.(type) {
	case *Binary:
		switch e.Op {
		case "AND", "OR", "XOR", "LIKE":
			return GivesTest
		}
		if vector.Relations[e.Op] != 0 {
			return GivesTest
		}
	case *Unary:
		if e.Op == "NOT" {
			return GivesTest
		}
	case *Among:
		return GivesTest
	case *Call:
		return e.Def.Gives
	case *Inner:
		return GivesEither
	}
	return GivesValue
}

// warnOfTexts warns when two texts are compared of which the first reads like the
// name of a field.
func (c *Compiler) warnOfTexts(e *Binary) {
	lit, ok := e.L.(*Literal)
	if _, both := e.R.(*Literal); !ok || !both || lit.Value.Kind() != vector.Text || !pathLike(lit.Value.Text()) {
		return
	}
	c.Warn(`"%s" is a text here; the field of this name is written '%[1]s', in single quotes`, lit.Value.Text())
}

// pathLike reports whether a text is names with points between them, as those
// of JSON fields are.
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

// Condition is Compile for an expression that must be a test. The words true
// and false are tests here.
func (c *Compiler) Condition(e Expr) (Eval, error) {
	if Gives(e) != GivesValue {
		return c.Compile(e)
	}
	if f, ok := e.(*Field); ok {
		switch {
		case strings.EqualFold(f.Name, "true"), strings.EqualFold(f.Name, "false"):
			v := vector.Truth(strings.EqualFold(f.Name, "true"))
			return func(*Frame) vector.Value { return v }, nil
		}
		return nil, diag.At(f.Span, "a field is no test").WithHint(`compare it, as in %s="true", or ask isnotnull(%[1]s)`, PrintExpr(f))
	}
	return nil, diag.At(e.Place(), "a test is needed here, and this is a value").WithHint("compare it with something")
}
