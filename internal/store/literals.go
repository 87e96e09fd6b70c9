package store

import (
	"net/netip"
	"strings"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
)

// minLiteral is the shortest literal worth searching for.
const minLiteral = 4

// Literals returns groups of texts: a record that matches a search must
// contain, in any case, at least one text of every group. Fields that are
// computed rather than read from the record contribute nothing.
func Literals(e filter.Expr) [][]string {
	switch e := e.(type) {
	case *filter.And:
		var all [][]string
		for _, a := range e.Args {
			all = append(all, Literals(a)...)
		}
		return all
	case *filter.Or:
		var any []string
		for _, a := range e.Args {
			groups := Literals(a)
			if len(groups) == 0 {
				return nil
			}
			any = append(any, best(groups)...)
		}
		return [][]string{any}
	case *filter.Compare:
		if e.Op == "=" && Verbatim(e.Field) && !cidr(e.Value) {
			return group([]string{e.Value})
		}
	case *filter.In:
		if Verbatim(e.Field) {
			for _, v := range e.Values {
				if cidr(v) {
					return nil
				}
			}
			return group(e.Values)
		}
	case *filter.Term:
		return group([]string{e.Text})
	}
	return nil
}

// Verbatim reports whether the values of a field appear unchanged in the
// record: the field is a leaf of it, or an alias of one.
func Verbatim(field string) bool {
	if event.IsDefault(field) {
		return false
	}
	d := event.Addon(field)
	return d == nil || d.Alias()
}

func cidr(v string) bool {
	_, err := netip.ParsePrefix(v)
	return err == nil
}

// best picks the group whose shortest literal is longest.
func best(groups [][]string) []string {
	var pick []string
	most := -1
	for _, g := range groups {
		least := 1 << 30
		for _, s := range g {
			least = min(least, len(s))
		}
		if least > most {
			pick, most = g, least
		}
	}
	return pick
}

func group(values []string) [][]string {
	var list []string
	for _, v := range values {
		s := longestPlain(v)
		if len(s) < minLiteral {
			return nil
		}
		list = append(list, s)
	}
	return [][]string{list}
}

// longestPlain returns the longest run of a value that JSON writes unescaped
// and that has no wildcard.
func longestPlain(v string) string {
	longest := ""
	for _, run := range strings.FieldsFunc(v, func(r rune) bool {
		return r >= 0x80 || r < ' ' || strings.ContainsRune(`*"\/<>&'`, r)
	}) {
		if len(run) > len(longest) {
			longest = run
		}
	}
	return longest
}
