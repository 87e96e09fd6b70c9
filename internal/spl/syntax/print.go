package syntax

import (
	"strings"

	"bluetrail/internal/filter"
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

// QuoteArg writes s as a quoted command argument, where a backslash is itself.
func QuoteArg(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}

// PrintField writes a field name for the arguments of a command.
func PrintField(name string) string {
	if filter.Reserved(name) || strings.HasPrefix(name, "'") || strings.ContainsAny(name, " \t\n\r\f\v()[],|\"=<>!`\u00a0") {
		return QuoteArg(name)
	}
	return name
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
