package vlogs

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/spl"
	"bluetrail/internal/store"
)

// pushed is a filter in the engine's language for a part of a search. Rows that
// match the part match the filter; when it is exact, also the other way round.
// An empty filter lets everything pass.
type pushed struct {
	filter string
	exact  bool
}

var nothing = pushed{}

// push translates a search expression for rows that are not odd.
func push(e spl.Search) pushed {
	switch e := e.(type) {
	case *spl.Everything:
		return pushed{exact: true}
	case *spl.And:
		out := pushed{exact: true}
		var parts []string
		for _, a := range e.Args {
			p := push(a)
			out.exact = out.exact && p.exact
			if p.filter != "" && !slices.Contains(parts, p.filter) {
				parts = append(parts, p.filter)
			}
		}
		out.filter = strings.Join(parts, " ")
		return out
	case *spl.Or:
		out := pushed{exact: true}
		var parts []string
		for _, a := range e.Args {
			p := push(a)
			if p.filter == "" {
				return pushed{exact: p.exact}
			}
			out.exact = out.exact && p.exact
			parts = append(parts, "("+p.filter+")")
		}
		out.filter = "(" + strings.Join(parts, " or ") + ")"
		return out
	case *spl.Not:
		p := push(e.Arg)
		switch {
		case !p.exact:
			return nothing
		case p.filter == "":
			return pushed{filter: noRow, exact: true}
		}
		return pushed{filter: "!(" + p.filter + ")", exact: true}
	case *spl.Compare:
		return pushCompare(e)
	case *spl.In:
		if f, ok := streamFilter(e.Field, e.Values, false); ok {
			return pushed{filter: f, exact: true}
		}
		args := make([]spl.Search, len(e.Values))
		for i, v := range e.Values {
			args[i] = &spl.Compare{Field: e.Field, Op: "=", Value: v}
		}
		return push(&spl.Or{Args: args})
	case *spl.Term:
		if e.Exact && strings.Contains(e.Text, "*") {
			return nothing
		}
		return pushed{filter: wordFilter(e.Text, true)}
	}
	return nothing
}

// noRow matches nothing: every row has a sequence number.
const noRow = "!" + seqColumn + ":*"

func pushCompare(e *spl.Compare) pushed {
	col, alias, ok := columnOf(e.Field)
	if !ok || e.Op != "=" && e.Op != "!=" {
		return wordsOf(e)
	}
	if _, err := netip.ParsePrefix(e.Value); err == nil {
		return nothing // addresses inside a block
	}
	if e.Op == "=" {
		if f, ok := streamFilter(e.Field, []string{e.Value}, e.Case); ok {
			return pushed{filter: f, exact: true}
		}
	}
	name := strconv.Quote(col)
	eq := equals(name, e)
	if e.Field == event.Index && strings.EqualFold(e.Value, "main") {
		eq = "(" + eq + " or " + name + ":=" + strconv.Quote(event.DefaultIndex) + ")"
	}
	if alias {
		eq += " " + sourcetypeIs
	}
	switch {
	case e.Op == "=":
		if words := wordsOf(e).filter; words != "" {
			eq = words + " " + eq
		}
		return pushed{filter: eq, exact: true}
	case e.Value == "*":
		return pushed{filter: noRow, exact: true}
	}
	present := name + ":*"
	if alias {
		present += " " + sourcetypeIs
	}
	return pushed{filter: present + " !(" + eq + ")", exact: true}
}

// sourcetypeIs holds for CloudTrail, the only events with derived fields.
var sourcetypeIs = `"sourcetype":="` + event.CloudTrail + `"`

// streamFilter picks whole streams, which costs nothing for those that are not
// picked. It serves the fields that make the streams, for values that are all
// there and no addresses.
func streamFilter(field string, values []string, exact bool) (string, bool) {
	col, alias, ok := columnOf(field)
	if !ok || !slices.Contains(streamColumns, col) {
		return "", false
	}
	alternatives := make([]string, 0, len(values))
	for _, v := range values {
		if _, err := netip.ParsePrefix(v); err == nil || v == "" || v == "*" {
			return "", false
		}
		if field == event.Index && strings.EqualFold(v, "main") {
			alternatives = append(alternatives, event.DefaultIndex)
		}
		alternatives = append(alternatives, wildcardPattern(v))
	}
	flags := "(?is)"
	if exact {
		flags = "(?s)"
	}
	filter := "{" + strconv.Quote(col) + "=~" + strconv.Quote(flags+"^(?:"+strings.Join(alternatives, "|")+")$") + "}"
	if alias {
		filter += " " + sourcetypeIs
	}
	return filter, true
}

// wildcardPattern is a value with * as a regular expression.
func wildcardPattern(v string) string {
	parts := strings.Split(v, "*")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
	}
	return strings.Join(parts, ".*")
}

// equals is the test of a column against a value with SPL's rules.
func equals(name string, e *spl.Compare) string {
	switch {
	case e.Value == "*":
		return name + ":*"
	case e.Value == "":
		return noRow // an empty value makes a row odd
	case !strings.Contains(e.Value, "*") && (e.Case || !letters(e.Value)):
		return name + ":=" + strconv.Quote(e.Value)
	}
	flags := "(?is)"
	if e.Case {
		flags = "(?s)"
	}
	return name + ":~" + strconv.Quote(flags+"^"+wildcardPattern(e.Value)+"$")
}

func letters(s string) bool {
	for _, r := range s {
		if r >= 0x80 || r|0x20 >= 'a' && r|0x20 <= 'z' {
			return true
		}
	}
	return false
}

// wordsOf asks for the words of a value that must stand in the record.
func wordsOf(e *spl.Compare) pushed {
	if e.Op != "=" || !store.Verbatim(e.Field) || e.Field == event.Index {
		return nothing
	}
	if _, err := netip.ParsePrefix(e.Value); err == nil {
		return nothing
	}
	return pushed{filter: wordFilter(e.Value, false)}
}
