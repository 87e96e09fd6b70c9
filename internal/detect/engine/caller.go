package engine

import (
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/identity"
)

// Leaves reads what a Scanner wants of every record.
var Leaves = identity.Record

// Resolver returns who is behind the callers of matches, as far as a trail knows. A
// nil trail knows only what the records say.
func Resolver(trail *identity.Trail) func(caller string) finding.Who {
	return func(caller string) finding.Who {
		var c identity.Caller
		if _, err := c.Decode(caller); err != nil {
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

// maxResolved bounds the answers that FinalResolver remembers, at about 1 KiB each.
const maxResolved = 1 << 14

// FinalResolver is Resolver for a trail that does not change any more. It is for one
// goroutine.
func FinalResolver(trail *identity.Trail) func(caller string) finding.Who {
	resolve := Resolver(trail)
	known := map[string]finding.Who{}
	return func(caller string) finding.Who {
		w, ok := known[caller]
		if !ok {
			if len(known) == maxResolved {
				clear(known)
			}
			w = resolve(caller)
			known[caller] = w
		}
		return w
	}
}
