package engine

import (
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/identity"
)

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
			if out.Chain = w.String(); !w.Certain {
				out.Chain += " (uncertain: " + w.Note + ")"
			}
		}
		return out
	}
}
