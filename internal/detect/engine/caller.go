package engine

import (
	"slices"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/event"
	"bluetrail/internal/identity"
)

// Leaves reads what a Scanner wants of every record, in the one pass of a decoder: see
// event.Decoder.Fields and Facts.
var Leaves = event.NewIdentifier(identity.Leaves)

var (
	callerLeaves = places(identity.Leaves...)
	sourceLeaf   = places("eventSource")[0]
	nameLeaf     = places("eventName")[0]
)

// places returns where leaves are among those of Leaves.
func places(names ...string) (list []int) {
	for _, name := range names {
		list = append(list, slices.Index(Leaves.Leaves(), name))
	}
	return list
}

// Names returns eventSource and eventName of a record whose leaves are in row.
func Names(row *event.Row) (source, name string) {
	return row.Leaf(sourceLeaf).Text, row.Leaf(nameLeaf).Text
}

// Facts reads the identity facts of a record whose leaves are in row.
func Facts(raw []byte, row *event.Row, f *identity.Facts) error {
	if identity.Issues(Names(row)) || slices.ContainsFunc(callerLeaves, func(i int) bool { return row.Leaf(i).Many != nil }) {
		return identity.Read(raw, f)
	}
	identity.FromLeaves(func(i int) string { return row.Leaf(callerLeaves[i]).Text }, f)
	return nil
}

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
