package plan

import (
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/spl/syntax"
)

// expression finds what reads otherwise in an expression than it was likely meant.
func (w *reasons) expression(e syntax.Expr, known []string) {
	has := func(name string) bool {
		_, ok := slices.BinarySearch(known, name)
		return ok || event.Lookup(name) != nil
	}
	eachExpr(e, func(e syntax.Expr) {
		if c, ok := e.(*syntax.Call); ok && c.Def.Name == "like" && len(c.Args) == 2 {
			if lit, ok := c.Args[1].(*syntax.Literal); ok && strings.Contains(lit.Value.Text(), "*") && !strings.Contains(lit.Value.Text(), "%") {
				w.add("in like, %% stands for any text and * for itself; write %q", strings.ReplaceAll(lit.Value.Text(), "*", "%"))
			}
		}
		b, ok := e.(*syntax.Binary)
		if !ok {
			return
		}
		if joined, op, ok := chain(b); ok {
			first, _, _ := strings.Cut(joined, op)
			switch {
			case w.warned("'" + joined + "'"):
			case has(joined), op == "." && known != nil && !has(first):
				if op == "-" {
					w.add("%s is a subtraction; the field of that name is written '%[1]s'", joined)
				} else {
					w.add("%s concatenates fields; the field of that name is written '%[1]s'", joined)
				}
			case op == "-" && known != nil && slices.ContainsFunc(strings.Split(joined, op), func(part string) bool { return !has(part) }):
				w.add("%s is a subtraction; a field of that name is written '%[1]s'%s", joined, near(joined, known))
			}
		}
		if !isComparison(b.Op) {
			return
		}
		for _, side := range [][2]syntax.Expr{{b.L, b.R}, {b.R, b.L}} {
			field, isField := side[0].(*syntax.Field)
			if !isField {
				continue
			}
			switch other := side[1].(type) {
			case *syntax.Field:
				if known != nil && bare(other) && !has(other.Name) && (has(field.Name) || other == b.R) {
					w.add("%s%s%s compares two fields, and %[3]s has no value; did you mean %[1]s%[2]s%[3]q?", field.Name, b.Op, other.Name)
				}
			case *syntax.Literal:
				if text := other.Value.Text(); strings.Contains(text, "*") && (b.Op == "=" || b.Op == "!=") {
					w.add("in expressions, * is compared literally; write | search %s%s%q, or like(%[1]s, %[4]q)", field.Name, b.Op, text, strings.ReplaceAll(text, "*", "%"))
				}
			}
		}
	})
}

// near returns a hint at a name that is nearly the same, behind a semicolon.
func near(name string, known []string) string {
	if hint := diag.DidYouMean(name, known); hint != "" {
		return "; " + hint
	}
	return ""
}

func isComparison(op string) bool {
	return slices.Contains([]string{"=", "!=", "<", "<=", ">", ">="}, op)
}

// bare reports whether a field is written without quotes.
func bare(f *syntax.Field) bool { return f.Span.End-f.Span.Start == len(f.Name) }

// chain returns the name that a chain of bare names without blanks was likely meant
// to be, such as a.b or user-agent, and the operator in it.
func chain(e *syntax.Binary) (name, op string, ok bool) {
	if e.Op != "." && e.Op != "-" {
		return "", "", false
	}
	right, isField := e.R.(*syntax.Field)
	if !isField || !bare(right) || e.L.Place().End+1 != right.Span.Start {
		return "", "", false
	}
	switch left := e.L.(type) {
	case *syntax.Field:
		return left.Name + e.Op + right.Name, e.Op, bare(left)
	case *syntax.Binary:
		name, op, ok = chain(left)
		return name + e.Op + right.Name, op, ok && op == e.Op
	}
	return "", "", false
}

// eachExpr calls fn for an expression and its parts, of a chain for the whole only.
func eachExpr(e syntax.Expr, fn func(syntax.Expr)) {
	if e == nil {
		return
	}
	fn(e)
	switch e := e.(type) {
	case *syntax.Unary:
		eachExpr(e.X, fn)
	case *syntax.Binary:
		if _, _, ok := chain(e); ok {
			return
		}
		eachExpr(e.L, fn)
		eachExpr(e.R, fn)
	case *syntax.Among:
		eachExpr(e.X, fn)
		for _, x := range e.List {
			eachExpr(x, fn)
		}
	case *syntax.Call:
		for _, x := range e.Args {
			eachExpr(x, fn)
		}
	}
}
