package spl

import (
	"fmt"
	"strings"

	"bluetrail/internal/vector"
)

// String prints the query so that parsing it gives the same query.
func (q *Query) String() string {
	var b strings.Builder
	for i, st := range q.Stages {
		text := st.Cmd.Print()
		switch {
		case i > 0:
			b.WriteString(" | ")
		case st.Def.Kind == KindGenerating, !strings.HasPrefix(text, "search "):
			b.WriteString("| ")
		}
		b.WriteString(text)
	}
	return b.String()
}

// PrintSearch prints a search expression.
func PrintSearch(e Search) string { return printSearch(e, 0, nil) }

// printSearch prints e for a place that binds with the given power: 0 AND list,
// 1 operand of OR, 2 operand of NOT. sub, when set, gives the text that takes
// a subsearch's place.
func printSearch(e Search, power int, sub func(fmt.Stringer) string) string {
	paren := func(own int, s string) string {
		if power > own {
			return "(" + s + ")"
		}
		return s
	}
	list := func(args []Search, sep string, p int) string {
		parts := make([]string, len(args))
		for i, a := range args {
			parts[i] = printSearch(a, p, sub)
		}
		return strings.Join(parts, sep)
	}
	query := func(q fmt.Stringer) string {
		if sub != nil {
			return sub(q)
		}
		return "[" + q.String() + "]"
	}
	switch e := e.(type) {
	case *And:
		return paren(0, list(e.Args, " ", 1))
	case *Or:
		return paren(1, list(e.Args, " OR ", 2))
	case *Not:
		return "NOT " + printSearch(e.Arg, 2, sub)
	case *Compare:
		switch {
		case e.Sub != nil:
			return printSearchField(e.Field) + e.Op + query(e.Sub)
		case e.Case:
			return printSearchField(e.Field) + e.Op + "CASE(" + QuoteSearch(e.Value) + ")"
		}
		return printSearchField(e.Field) + e.Op + printValue(e.Value)
	case *In:
		parts := make([]string, len(e.Values))
		for i, v := range e.Values {
			parts[i] = printValue(v)
		}
		return printSearchField(e.Field) + " IN (" + strings.Join(parts, ", ") + ")"
	case *Term:
		switch {
		case e.Case:
			return "CASE(" + QuoteSearch(e.Text) + ")"
		case e.Exact:
			return "TERM(" + QuoteSearch(e.Text) + ")"
		case e.Phrase || strings.EqualFold(e.Text, "IN"): // a IN (b) would read as one test
			return QuoteSearch(e.Text)
		}
		return termEscaper.Replace(e.Text)
	case *TimeBound:
		return e.Name + "=" + printValue(e.Value)
	case *Sub:
		return query(e.Query)
	}
	return "*"
}

// termEscaper writes an unquoted term so that it stays one.
var termEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `|`, `\|`)

func printValue(s string) string {
	if s == "" || !plainWord(s) || special(s) || strings.EqualFold(s, "IN") || strings.EqualFold(s, "CASE") {
		return QuoteSearch(s)
	}
	return s
}

func plainWord(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !isNameByte(c) && strings.IndexByte(".:*-/@", c) < 0 {
			return false
		}
	}
	return true
}

// QuoteSearch writes s as a quoted text of a search expression.
func QuoteSearch(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// QuoteArg writes s as a quoted command argument, where a backslash is itself.
func QuoteArg(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

// PrintField writes a field name for the arguments of a command.
func PrintField(name string) string {
	if reserved(name) || strings.ContainsAny(name, " \t\n\r\f\v()[],|\"=<>!`\u00a0") {
		return QuoteArg(name)
	}
	return name
}

// PrintTest writes field="value" for a search expression.
func PrintTest(field, value string) string { return printSearchField(field) + "=" + QuoteSearch(value) }

// printSearchField writes a field name for a search expression.
func printSearchField(name string) string {
	for i := range len(name) {
		c := name[i]
		if !isNameByte(c) && strings.IndexByte(".:*-{}@", c) < 0 {
			return QuoteSearch(name)
		}
	}
	if reserved(name) || strings.Contains(name, "::") {
		return QuoteSearch(name)
	}
	return name
}

// reserved reports whether a name must be quoted where field names stand.
func reserved(name string) bool {
	return name == "" || special(strings.ToUpper(name)) || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+") ||
		isAny(name, []string{"as", "by", "over", "in", "with", "output", "outputnew", "where", "case", "term", "search"})
}

// PrintFields writes a list of field names.
func PrintFields(names []string) string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = PrintField(n)
	}
	return strings.Join(parts, ", ")
}

// PrintExpr prints an eval expression with the parentheses it needs.
func PrintExpr(e Expr) string { return printExpr(e, 0, nil) }

var powers = map[string]int{
	"OR": bindOr, "XOR": bindXor, "AND": bindAnd,
	"=": bindCompare, "!=": bindCompare, "<": bindCompare, "<=": bindCompare, ">": bindCompare, ">=": bindCompare, "LIKE": bindCompare,
	".": bindConcat, "+": bindAdd, "-": bindAdd, "*": bindMul, "/": bindMul, "%": bindMul,
}

func printExpr(e Expr, power int, sub func(*Query) string) string {
	paren := func(own int, s string) string {
		if power > own {
			return "(" + s + ")"
		}
		return s
	}
	args := func(list []Expr) string {
		parts := make([]string, len(list))
		for i, a := range list {
			parts[i] = printExpr(a, 0, sub)
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	switch e := e.(type) {
	case *Literal:
		if e.Value.Kind() == vector.Number {
			return e.Text
		}
		return QuoteEval(e.Value.Text())
	case *Field:
		return PrintEvalField(e.Name)
	case *Unary:
		if e.Op == "NOT" {
			return paren(bindNot, "NOT "+printExpr(e.X, bindNot, sub))
		}
		return paren(bindUnary, e.Op+printExpr(e.X, bindUnary+1, sub))
	case *Binary:
		own := powers[e.Op]
		return paren(own, printExpr(e.L, own, sub)+" "+e.Op+" "+printExpr(e.R, own+1, sub))
	case *Among:
		return paren(bindCompare, printExpr(e.X, bindCompare, sub)+" IN "+args(e.List))
	case *Call:
		return e.Def.Name + args(e.Args)
	case *Inner:
		if sub != nil {
			return sub(e.Query)
		}
		return "[" + e.Query.String() + "]"
	}
	return ""
}

// QuoteEval writes s as a string of an expression.
func QuoteEval(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(s) + `"`
}

// PrintEvalField writes a field reference of an expression, in single quotes
// where it needs them.
func PrintEvalField(name string) string {
	plain := name != "" && !isDigit(name[0])
	for i := 0; i < len(name) && plain; i++ {
		plain = isNameByte(name[i])
	}
	if plain && !isAny(name, []string{"and", "or", "xor", "not", "like", "in", "as", "by", "where"}) {
		return name
	}
	return `'` + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + `'`
}

// PrintTarget writes the name of a field that eval sets.
func PrintTarget(name string) string {
	for i := range len(name) {
		if c := name[i]; !isNameByte(c) && strings.IndexByte(".{}", c) < 0 || i == 0 && c == '{' {
			return QuoteArg(name)
		}
	}
	return name
}

// PrintOption writes the value of a name=value argument.
func PrintOption(s string) string {
	if s == "" || strings.ContainsAny(s, " \t\n\r\f\v()[],|\"`\u00a0") {
		return QuoteArg(s)
	}
	return s
}
