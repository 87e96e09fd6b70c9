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

// renewIDs makes the known ids of a day those of the events that the store has.
func renewIDs(ctx context.Context, data string, st *vlogs.Store, day tally.Day) error {
	dir := filepath.Join(data, idsDir)
	ids := newIDStore(dir, idBudget)
	days := []tally.Day{day}
	if day == vlogs.DisplacedDay { // whose ids lie with those of their own times
		days = nil
		for d := range st.Counts() {
			days = append(days, d)
		}
	} else {
		dir = filepath.Join(dir, day.Time().Format("2006/01/02"))
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("cannot forget the ids of %s: %w", day, err)
	}
	var failed error
	for _, d := range days {
		err := st.Day(ctx, d, func(e vlogs.Stored) {
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
