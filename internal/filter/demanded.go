package filter

import "strings"

// Demanded returns values of a field of which an event must have one, nil when a
// condition does not restrict the field. They may contain wildcards.
func Demanded(where Expr, field string) []string {
	switch e := where.(type) {
	case *Compare:
		if strings.EqualFold(e.Field, field) && e.Op == "=" {
			return []string{e.Value}
		}
	case *In:
		if strings.EqualFold(e.Field, field) {
			return e.Values
		}
	case *And:
		var best []string
		for _, a := range e.Args {
			if values := Demanded(a, field); values != nil && (best == nil || wild(best) && !wild(values)) {
				best = values
			}
		}
		return best
	case *Or:
		var all []string
		for _, a := range e.Args {
			values := Demanded(a, field)
			if values == nil {
				return nil
			}
			all = append(all, values...)
		}
		return all
	}
	return nil
}

func wild(values []string) bool {
	for _, v := range values {
		if strings.Contains(v, "*") {
			return true
		}
	}
	return false
}
