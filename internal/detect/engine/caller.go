package engine

import (
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/identity"
)

// Leaves reads what a Scanner wants of every record.
var Leaves = identity.Record

// Resolver returns who is behind the callers of matches, as far as a trail knows. A
// nil trail knows only what the records say.
func Resolver(trail *identity.Trail) func(caller []byte) finding.Who {
	return func(caller []byte) finding.Who {
		var c identity.Caller
		if _, err := c.Decode(string(caller)); err != nil {
			return finding.Who{} // not of a Scanner
		}
		w := trail.Resolve(&c)
		out := finding.Who{Actor: w.Actor, Type: w.Type, Session: w.Session}
		if len(w.Chain) > 0 {
			out.Chain = w.String()
		}
		return out
	}
}
