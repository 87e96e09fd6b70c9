package alert

import (
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/enrich"
)

// About returns what is known of an address.
func About(address string) Source {
	s := Source{Address: address}
	known := enrich.Current().Source(address)
	s.Country, s.Network = known.Country, known.Network
	if known.Kind != enrich.KindUnknown {
		s.NetworkKind = string(known.Kind)
	}
	if n, err := strconv.ParseUint(known.ASN, 10, 32); err == nil {
		s.ASN = uint32(n)
	}
	s.Lists = slices.Clone(known.Lists)
	if len(s.Lists) > 0 && len(known.Reasons) > 0 {
		s.Lists[0] += ": " + strings.Join(known.Reasons, "; ")
	}
	return s
}

// accountNotes says what is known of the accounts of an alert.
func accountNotes(a *Alert) (notes []string) {
	all := enrich.Current().Accounts
	for _, id := range a.Account {
		x, ok := all[id]
		if !ok {
			continue
		}
		var parts []string
		for _, p := range []struct{ label, value string }{{"", x.Name}, {"environment ", x.Environment}, {"owner ", x.Owner}} {
			if p.value != "" {
				parts = append(parts, p.label+p.value)
			}
		}
		text := "Account " + id + ": " + strings.Join(parts, ", ")
		if x.Critical {
			text += ". It is critical."
		}
		notes = append(notes, text)
	}
	return notes
}
