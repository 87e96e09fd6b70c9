package ingest

import (
	"bluetrail/internal/idset"
	"bluetrail/internal/store/vlogs"
)

// recordID tells an event from all others.
type recordID = idset.ID

// keyOf says where the id of an event is kept. The time that a record does not
// tell is no part of that: it is the file's, and changes.
func keyOf(ns int64, timed bool) idset.Key {
	k := idset.KeyOf(ns, timed)
	if k.Loose && vlogs.MayBeDisplaced(ns) {
		k.Day = vlogs.DisplacedDay
	}
	return k
}
