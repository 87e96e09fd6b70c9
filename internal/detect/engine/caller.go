package engine

import (
	"unsafe"

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
	placed := map[*byte]answer{}
	return func(caller string) finding.Who {
		at := unsafe.StringData(caller)
		if a, ok := placed[at]; ok && len(a.caller) == len(caller) {
			return a.who
		}
		w, ok := known[caller]
		if !ok {
			if len(known) >= maxResolved {
				clear(known)
			}
			w = resolve(caller)
			known[caller] = w
		}
		if len(placed) >= maxResolved {
			clear(placed)
		}
		placed[at] = answer{caller, w}
		return w
	}
}

// answer says who is behind a caller. The matches of one caller share its text, which is
// found faster by where it lies; it stays there, since the answer holds it.
type answer struct {
	caller string
	who    finding.Who
}
