package vlogs

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
)

// pushed is a translated part of a search. Ordinary rows that match the part
// match filter, and rows that match filter and rest match the part.
type pushed struct {
	filter string      // in the engine's language; "" lets everything pass
	rest   filter.Expr // still to be checked, nil = nothing
}

func (p pushed) exact() bool { return p.rest == nil }

// push translates a search expression for ordinary rows.
func push(e filter.Expr) pushed {
	switch e := e.(type) {
	case *filter.Everything:
		return pushed{}
	case *filter.And:
		return pushAnd(e)
	case *filter.Or:
		return pushOr(e, e.Args)
	case *filter.Not:
		p := push(e.Arg)
		switch {
		case !p.exact():
			return pushed{rest: e}
		case p.filter == "":
			return pushed{filter: noRow}
		}
		return pushed{filter: "!(" + p.filter + ")"}
	case *filter.Compare:
		return pushCompare(e)
	case *filter.In:
		args := make([]filter.Expr, len(e.Values))
		for i, v := range e.Values {
			args[i] = &filter.Compare{Span: e.Span, Field: e.Field, Op: "=", Value: v}
		}
		return pushOr(e, args)
	case *filter.Term:
		return pushed{filter: wordFilter(e.Text, true), rest: e}
	}
	return pushed{rest: e}
}

func pushAnd(e *filter.And) pushed {
	var filters []string
	var rest []filter.Expr
	for _, a := range e.Args {
		p := push(a)
		if p.filter != "" && !slices.Contains(filters, p.filter) {
			filters = append(filters, p.filter)
		}
		if p.rest != nil {
			rest = append(rest, p.rest)
		}
	}
	// Stream filters come first: they are evaluated once per block.
	slices.SortStableFunc(filters, func(a, b string) int { return filterCost(a) - filterCost(b) })
	out := pushed{filter: strings.Join(filters, " ")}
	switch len(rest) {
	case 0:
	case 1:
		out.rest = rest[0]
	default:
		out.rest = &filter.And{Args: rest}
	}
	return out
}

// filterCost orders filters by how much they make the engine read.
func filterCost(filter string) int {
	for _, c := range streamColumns {
		if strings.HasPrefix(strings.TrimLeft(filter, "("), strconv.Quote(c)) {
			return 0
		}
	}
	if strings.Contains(filter, rawColumn+":") {
		return 2
	}
	return 1
}

func pushOr(e filter.Expr, args []filter.Expr) pushed {
	var filters []string
	exact := true
	for _, a := range args {
		p := push(a)
		exact = exact && p.exact()
		if p.filter == "" {
			if p.exact() {
				return pushed{}
			}
			return pushed{rest: e}
		}
		filters = append(filters, "("+p.filter+")")
	}
	out := pushed{filter: "(" + strings.Join(filters, " or ") + ")"}
	if len(filters) == 0 {
		out.filter = noRow
	}
	if !exact {
		out.rest = e
	}
	return out
}

// noRow matches nothing, because every row has a sequence number.
const noRow = "!" + seqColumn + ":*"

func pushCompare(e *filter.Compare) pushed {
	if e.Op != "=" && e.Op != "!=" || cidr(e.Value) || !e.Case && !ascii(e.Value) {
		return pushed{filter: wordsOf(e), rest: e}
	}
	if col, ok := columnOf(e.Field); ok {
		return pushColumn(col, e)
	}
	d := event.Addon(e.Field)
	if d == nil || !d.Alias() {
		return pushed{filter: wordsOf(e), rest: e}
	}
	own, ok := leafColumn(e.Field)
	of, ok2 := leafColumn(d.From[0])
	if !ok || !ok2 {
		return pushed{filter: wordsOf(e), rest: e}
	}
	// CloudTrail's events have the leaf that the alias stands for, and others, or
	// those without it, a leaf of their own by that name. Fields that are made on
	// request only step back for their own leaf.
	first, second := pushColumn(of, e), pushColumn(own, e)
	trail := strconv.Quote(event.Sourcetype) + ":=" + strconv.Quote(event.CloudTrail)
	firstHere, secondHere := trail, "!("+trail+" "+strconv.Quote(of)+":*)"
	if d.OnRequest {
		firstHere, secondHere = trail+" !"+strconv.Quote(own)+":*", ""
	}
	p := pushed{filter: "((" + first.filter + " " + firstHere + ") or (" + second.filter + " " + secondHere + "))"}
	if !first.exact() || !second.exact() {
		p.rest = e
	}
	return p
}

// pushColumn translates a test of what a column holds.
func pushColumn(col string, e *filter.Compare) pushed {
	name := strconv.Quote(col)
	switch eq := equals(col, e); {
	case e.Op == "=":
		return pushed{filter: eq}
	case e.Value == "*":
		return pushed{filter: noRow}
	case severalIn(col): // true when any value differs
		return pushed{filter: name + ":*", rest: e}
	default:
		return pushed{filter: name + ":* !" + eq}
	}
}

func cidr(v string) bool {
	_, err := netip.ParsePrefix(v)
	return err == nil
}

// equals translates a comparison of a column with a value, by SPL's rules.
func equals(col string, e *filter.Compare) string {
	name := strconv.Quote(col)
	if strings.Trim(e.Value, "*") == "" && e.Value != "" {
		return name + ":*"
	}
	tests := []string{single(name, e, severalIn(col))}
	if second, ok := filter.Also(e.Field, e.Value); ok {
		tests = append(tests, name+":="+strconv.Quote(second))
	}
	if severalIn(col) {
		tests = append(tests, name+":~"+strconv.Quote(several+valuePattern(e.Value, e.Case, true)+several))
	}
	if len(tests) == 1 {
		return tests[0]
	}
	return "(" + strings.Join(tests, " or ") + ")"
}

// single translates a comparison of a column with one value; among says whether
// the column may hold several.
func single(name string, e *filter.Compare, among bool) string {
	switch {
	case e.Value == "":
		return name + ":=" + strconv.Quote(several+several)
	case !strings.Contains(e.Value, "*") && (e.Case || !letters(e.Value)):
		return name + ":=" + strconv.Quote(e.Value)
	}
	eq := name + ":~" + strconv.Quote("^"+valuePattern(e.Value, e.Case, among)+"$")
	// The word index finds an id faster than reading the whole column.
	if words := wordsOf(e); words != "" && slices.ContainsFunc(strings.FieldsFunc(e.Value, notWord), idLike) {
		return "(" + words + " " + eq + ")"
	}
	return eq
}

// valuePattern returns a regular expression for a value in which * matches any
// run of characters within one value. If case is ignored, it matches letters in
// both cases as filter.Lower maps them; (?i) would also match the long s as s,
// and would not match İ as i. With among, the value may be one of several,
// which needs a character class that is slow to parse.
func valuePattern(value string, exact, among bool) string {
	any := "(?s:.)*"
	if among {
		any = "[^" + several + "]*"
	}
	var b strings.Builder
	for i := range len(value) {
		switch c := value[i]; {
		case c == '*':
			b.WriteString(any)
		case !exact && c|0x20 == 'i':
			b.WriteString("[iI\u0130]")
		case !exact && c|0x20 == 'k':
			b.WriteString("[kK\u212a]")
		case !exact && (c|0x20) >= 'a' && (c|0x20) <= 'z':
			b.Write([]byte{'[', c | 0x20, c &^ 0x20, ']'})
		case c >= 0x80:
			b.WriteByte(c)
		default:
			b.WriteString(regexp.QuoteMeta(value[i : i+1]))
		}
	}
	return b.String()
}

// idLike reports whether a word is likely to occur in few records.
func idLike(w string) bool { return len(w) >= 16 && strings.ContainsAny(w, "0123456789") }

func letters(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 || r|0x20 >= 'a' && r|0x20 <= 'z' })
}

// wordsOf requires the words of a value that must occur in the record.
func wordsOf(e *filter.Compare) string {
	if e.Op != "=" || !store.Verbatim(e.Field) || event.IsDefault(e.Field) || cidr(e.Value) {
		return ""
	}
	return wordFilter(e.Value, false)
}

// wordsIn requires the words that occur in every record that matches a search;
// "" when there are none. Rows without stored words, such as those of large
// records, have to be let through as well.
func wordsIn(e filter.Expr) string {
	var parts []string
	switch e := e.(type) {
	case *filter.And:
		for _, a := range e.Args {
			if words := wordsIn(a); words != "" {
				parts = append(parts, words)
			}
		}
		return strings.Join(parts, " ")
	case *filter.Or:
		for _, a := range e.Args {
			words := wordsIn(a)
			if words == "" {
				return ""
			}
			parts = append(parts, "("+words+")")
		}
	case *filter.In:
		for _, v := range e.Values {
			words := wordsOf(&filter.Compare{Field: e.Field, Op: "=", Value: v})
			if words == "" {
				return ""
			}
			parts = append(parts, "("+words+")")
		}
	case *filter.Compare:
		return wordsOf(e)
	case *filter.Term:
		return wordFilter(e.Text, true)
	}
	if parts == nil {
		return ""
	}
	return "(" + strings.Join(parts, " or ") + ")"
}
