package ingest

import (
	"context"
	"path/filepath"
	"time"

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

// scrubIDsEvery is how often it is looked which known ids are to be read again.
const scrubIDsEvery = time.Hour

// ScrubIDs reads the known ids again, each file once in a period, until ctx ends.
// The next start makes damaged ones anew.
func (p *Pipeline) ScrubIDs(ctx context.Context, period time.Duration, report func(idset.Damage)) error {
	turns := vlogs.NewTurns(time.Now(), period)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(scrubIDsEvery):
		}
		err := idset.Scrub(filepath.Join(p.cfg.Data, idsDir), turns.Upto(time.Now()), vlogs.ScrubWait(ctx), report)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
