package integrity

import (
	"context"
	"fmt"
	"time"

	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// Difference is a day and index whose events are not those that were taken in.
type Difference struct {
	Key        tally.Key
	Want, Have tally.Tally
}

// String returns the difference as one line.
func (d Difference) String() string {
	if d.Want.Events == d.Have.Events {
		return fmt.Sprintf("%s: the ids of the %d events of index %s differ from those ingested", vlogs.DayName(d.Key.Day), d.Have.Events, d.Key.Index)
	}
	return fmt.Sprintf("%s: index %s has %d events instead of %d", vlogs.DayName(d.Key.Day), d.Key.Index, d.Have.Events, d.Want.Events)
}

// Deep compares the ids of all stored events with those that were promised, by
// day and index. Days that differ get an alarm. The store must have been opened
// deep.
func Deep(ctx context.Context, st *vlogs.Store, db *state.DB) (list []Difference, err error) {
	point, err := db.Checkpoint()
	if err != nil {
		return nil, err
	}
	if point.Running {
		return nil, fmt.Errorf("the last ingest was interrupted; run it again before using --deep")
	}
	want, err := db.Tallies()
	if err != nil {
		return nil, err
	}
	have := st.Read()
	all := tally.Tallies{}
	all.Merge(want)
	all.Merge(have)
	for _, day := range all.Days() {
		differs := false
		for k := range all {
			if k.Day == day && want[k] != have[k] {
				list = append(list, Difference{Key: k, Want: want[k], Have: have[k]})
				differs = true
			}
		}
		if !differs {
			continue
		}
		left := tally.Tallies{}
		for k, t := range have {
			if k.Day == day {
				left[k] = t
			}
		}
		lost := max(0, want.ByDay()[day].Events-have.ByDay()[day].Events)
		err := db.Lose(state.Alarm{Day: day, Events: lost, Since: time.Now(), Reason: "the ids of its events differ from those ingested"}, left)
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
