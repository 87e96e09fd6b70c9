package ingest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"bluetrail/internal/idset"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// renewIDsIn is renewIDs for a data directory that takes nothing in.
func renewIDsIn(ctx context.Context, data string, st *vlogs.Store, partition tally.Day) error {
	ids, err := idset.Open(filepath.Join(data, idsDir))
	if err != nil {
		return err
	}
	return errors.Join(renewIDs(ctx, ids, st, partition), ids.Close())
}

// renewIDs makes the known ids of the events of a partition those that the store
// has. The ids lie by the events' own days, which rows of other partitions may
// have, too.
func renewIDs(ctx context.Context, ids *idset.Set, st *vlogs.Store, partition tally.Day) error {
	first, last := vlogs.DaysIn(partition)
	all := partition == vlogs.DisplacedDay
	var gone []tally.Day
	if all {
		gone = append(ids.Days(), partition)
	} else {
		for d := first; d <= last; d++ {
			gone = append(gone, d)
		}
	}
	if err := ids.Forget(gone...); err != nil {
		return err
	}
	var failed error
	for d := range st.Counts() {
		if f, l := vlogs.DaysIn(d); !all && d != vlogs.DisplacedDay && (f > last || l < first) {
			continue
		}
		err := st.Day(ctx, d, func(e vlogs.Stored) {
			if own := tally.DayOf(e.Time); !all && (own < first || own > last) {
				return
			}
			if _, err := ids.Add(e.ID, keyOf(e.Time, e.Timed)); err != nil {
				failed = err
			}
		})
		if err = errors.Join(err, failed); err != nil {
			return fmt.Errorf("cannot read the ids of %s: %w", d, err)
		}
	}
	return ids.Commit()
}
