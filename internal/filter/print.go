package filter

import (
	"fmt"
	"strings"
)

// IsOperator reports whether a word is an operator of search expressions.
func IsOperator(word string) bool { return word == "AND" || word == "OR" || word == "NOT" }

// Print prints a search expression.
func Print(e Expr) string { return PrintWith(e, 0, nil) }

// PrintWith prints e for a context of the given precedence: 0 AND list, 1
// operand of OR, 2 operand of NOT. sub, if set, returns the text that replaces
// a subsearch.
func PrintWith(e Expr, power int, sub func(fmt.Stringer) string) string {
	paren := func(own int, s string) string {
		if power > own {
			return "(" + s + ")"
		}
		return s
	}
	list := func(args []Expr, sep string, p int) string {
		parts := make([]string, len(args))
		for i, a := range args {
			parts[i] = PrintWith(a, p, sub)
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
		return "NOT " + PrintWith(e.Arg, 2, sub)
	case *Compare:
		switch {
		case e.Sub != nil:
			return printField(e.Field) + e.Op + query(e.Sub)
		case e.Case:
			return printField(e.Field) + e.Op + "CASE(" + Quote(e.Value) + ")"
		}
		return printField(e.Field) + e.Op + printValue(e.Value)
	case *In:
		parts := make([]string, len(e.Values))
		for i, v := range e.Values {
			parts[i] = printValue(v)
		}
		return printField(e.Field) + " IN (" + strings.Join(parts, ", ") + ")"
	case *Term:
		switch {
		case e.Case:
			return "CASE(" + Quote(e.Text) + ")"
		case e.Exact:
			return "TERM(" + Quote(e.Text) + ")"
		case e.Phrase || strings.EqualFold(e.Text, "IN"): // a IN (b) would parse as one test
			return Quote(e.Text)
		}
		return termEscaper.Replace(e.Text)
	case *TimeBound:
		return e.Name + "=" + printValue(e.Value)
	case *Sub:
		return query(e.Query)
	}
	return "*"
}

// termEscaper escapes an unquoted term so that it stays one term.
var termEscaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `|`, `\|`)

func printValue(s string) string {
	if s == "" || !plainWord(s) || IsOperator(s) || strings.EqualFold(s, "IN") || strings.EqualFold(s, "CASE") {
		return Quote(s)
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

// Quote formats s as a quoted text of a search expression.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// PrintTest writes field="value" for a search expression.
func PrintTest(field, value string) string { return printField(field) + "=" + Quote(value) }

// printField writes a field name for a search expression.
func printField(name string) string {
	for i := range len(name) {
		c := name[i]
		if !isNameByte(c) && strings.IndexByte(".:*-{}@", c) < 0 {
			return Quote(name)
		}
	}
	if Reserved(name) || strings.Contains(name, "::") {
		return Quote(name)
	}
	return name
}

// Reserved reports whether a name must be quoted in the position of a field
// name.
func Reserved(name string) bool {
	return name == "" || IsOperator(strings.ToUpper(name)) || strings.HasPrefix(name, "-") || strings.HasPrefix(name, "+") ||
		isAny(name, []string{"as", "by", "over", "in", "with", "output", "outputnew", "where", "case", "term", "search"})
}

func isDigit(c byte) bool { return c-'0' <= 9 }

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func isAny(word string, list []string) bool {
	for _, w := range list {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}
