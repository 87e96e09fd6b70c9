// Package integrity compares what a data directory holds with what was taken
// in: the counts that the state keeps for each day against the store.
package integrity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// EventsDir is where the store lies in a data directory.
const EventsDir = "events"

// ErrNoEvents says that nothing was taken into a data directory yet.
var ErrNoEvents = errors.New("no events were ingested")

// Open opens the store of a data directory for searches and returns the days
// that lack events. A store that is gone though events were taken in is made
// anew, empty, with an alarm for each day.
func Open(ctx context.Context, data string, opts vlogs.Options) (*vlogs.Store, []state.Alarm, error) {
	events := filepath.Join(data, EventsDir)
	known := exists(filepath.Join(data, state.DatabaseFile))
	if !known && !exists(events) {
		return nil, nil, ErrNoEvents
	}
	db, err := state.OpenReadable(data)
	if err != nil {
		return nil, nil, err
	}
	defer db.Close()
	if !exists(events) {
		tallies, err := db.Tallies()
		if err != nil {
			return nil, nil, err
		}
		alarms, err := db.Alarms()
		if err != nil {
			return nil, nil, err
		}
		if len(tallies)+len(alarms) == 0 {
			return nil, nil, ErrNoEvents
		}
	}
	st, err := vlogs.Open(events, opts)
	if err != nil {
		return nil, nil, err
	}
	alarms, err := Check(ctx, st, db)
	if err != nil {
		return nil, nil, errors.Join(err, st.Close())
	}
	return st, alarms, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Describe returns an alarm as one line.
func Describe(a state.Alarm) string {
	text := fmt.Sprintf("%d events are missing", a.Events)
	if a.Events == 0 {
		text = "damaged"
	}
	return fmt.Sprintf("%s: %s since %s: %s", vlogs.DayName(a.Day), text, a.Since.UTC().Format("2006-01-02 15:04"), a.Reason)
}

// Check raises an alarm for each day that lacks events, or has more than were
// taken in, and returns all that stand. What is left of such a day is counted
// anew, so that events which come later are checked against that. It reads no
// events of days that are as they should be.
func Check(ctx context.Context, st *vlogs.Store, db *state.DB) ([]state.Alarm, error) {
	point, err := db.Checkpoint()
	if err != nil {
		return nil, err
	}
	tallies, err := db.Tallies()
	if err != nil {
		return nil, err
	}
	retained, err := db.Retained()
	if err != nil {
		return nil, err
	}
	removed := tally.Day(0)
	for _, day := range retained {
		removed = max(removed, day)
	}
	reasons := map[tally.Day]string{}
	for _, d := range st.Damaged() {
		reasons[d.Day] = d.Reason
	}
	want, have := tallies.ByDay(), st.Counts()
	for day := range have {
		want[day] = tally.Tally{Events: want[day].Events, Sum: want[day].Sum}
	}
	now := time.Now()
	for _, day := range tally.Sorted(want) {
		events, rows := want[day].Events, have[day]
		if rows == events || rows > events && (point.Running || removing(day, removed)) {
			continue // an ingest or a removal that was cut off goes on with it
		}
		left, err := st.Tally(ctx, day)
		if err != nil {
			return nil, fmt.Errorf("cannot count the events of %s: %w", vlogs.DayName(day), err)
		}
		reason := cmp.Or(reasons[day], fmt.Sprintf("the store has %d events instead of %d", rows, events))
		if err := db.Lose(state.Alarm{Day: day, Events: max(0, events-rows), Since: now, Reason: reason}, left); err != nil {
			return nil, err
		}
	}
	return db.Alarms()
}

// removing reports whether retention may be removing events of a partition.
func removing(partition, before tally.Day) bool {
	first, _ := vlogs.DaysIn(partition)
	return first < before
}
