package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// renewIDs makes the known ids of the events of a partition those that the store
// has. The ids lie by the events' own days, which rows of other partitions may
// have, too.
func renewIDs(ctx context.Context, data string, st *vlogs.Store, partition tally.Day) error {
	dir := filepath.Join(data, idsDir)
	ids := newIDStore(dir, idBudget)
	first, last := vlogs.DaysIn(partition)
	all := partition == vlogs.DisplacedDay
	gone := []string{dir}
	if !all {
		gone = nil
		for d := first; d <= last; d++ {
			gone = append(gone, filepath.Join(dir, d.Time().Format("2006/01/02")))
		}
	}
	for _, path := range gone {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("cannot forget the ids of %s: %w", partition, err)
		}
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
			if _, err := ids.add(e.ID, e.Time); err != nil {
				failed = err
			}
		})
		if err = errors.Join(err, failed); err != nil {
			return fmt.Errorf("cannot read the ids of %s: %w", d, err)
		}
	}
	return ids.commit()
}

// renewIDs makes the known ids of a day those of the events that the store has.
func (p *Pipeline) renewIDs(ctx context.Context, day tally.Day) error {
	if err := renewIDs(ctx, p.cfg.Data, p.store, day); err != nil {
		return err
	}
	p.ids = newIDStore(filepath.Join(p.cfg.Data, idsDir), idBudget)
	return nil
}
