package ingest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"bluetrail/internal/idset"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// openIDs opens the known ids of a data directory.
func openIDs(data string, db *state.DB) (*idset.Set, error) {
	counts, err := db.IDs()
	if err != nil {
		return nil, err
	}
	return idset.Open(filepath.Join(data, idsDir), counts)
}

// CheckIDs compares the known ids of a data directory that nobody fills with
// those that were committed; see idset.Set.Check for deep.
func CheckIDs(data string, db *state.DB, deep bool) ([]idset.Damage, error) {
	point, err := db.Checkpoint()
	if err != nil {
		return nil, err
	}
	counts, err := db.IDs()
	if err != nil {
		return nil, err
	}
	return idset.Check(filepath.Join(data, idsDir), counts, deep, !point.Running)
}

// mendIDs checks the known ids and makes those that are damaged anew from the
// store, which has them all. It returns what was damaged.
func mendIDs(ctx context.Context, ids *idset.Set, st *vlogs.Store, db *state.DB, deep bool) ([]idset.Damage, error) {
	point, err := db.Checkpoint()
	if err != nil {
		return nil, err
	}
	bad, err := ids.Check(deep, !point.Running)
	if err != nil || len(bad) == 0 {
		return nil, err
	}
	damaged := map[string]bool{}
	names := make([]string, len(bad))
	for i, d := range bad {
		names[i], damaged[d.Name] = d.Name, true
	}
	if err := ids.Drop(names...); err != nil {
		return nil, err
	}
	upTo := int64(math.MaxInt64)
	if point.Running {
		upTo = point.Batch // what lies behind it is counted by recover
	}
	lies := func(first, last tally.Day) bool {
		for name := range damaged {
			day, ok := idset.DayOf(name)
			if !ok || first <= day && day <= last {
				return true
			}
		}
		return false
	}
	chosen := func(e vlogs.Stored) bool {
		return e.Batch <= upTo && damaged[idset.NameOf(keyOf(e.Time, e.Timed))]
	}
	for partition := range st.Counts() {
		if first, last := vlogs.DaysIn(partition); partition == vlogs.DisplacedDay || lies(first, last) {
			if err := addIDs(ctx, ids, st, partition, chosen); err != nil {
				return nil, err
			}
		}
	}
	return bad, errors.Join(ids.Commit(), db.SetIDs(ids.Changed()))
}

// renewIDs makes the known ids of the events of a partition those that the store
// has. The ids lie by the events' own days, which rows of other partitions may
// have, too.
func renewIDs(ctx context.Context, ids *idset.Set, st *vlogs.Store, db *state.DB, partition tally.Day) error {
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
	chosen := func(e vlogs.Stored) bool {
		own := tally.DayOf(e.Time)
		return all || first <= own && own <= last
	}
	for d := range st.Counts() {
		if f, l := vlogs.DaysIn(d); !all && d != vlogs.DisplacedDay && (f > last || l < first) {
			continue
		}
		if err := addIDs(ctx, ids, st, d, chosen); err != nil {
			return err
		}
	}
	return errors.Join(ids.Commit(), db.SetIDs(ids.Changed()))
}

// mostPending bounds the ids in memory while they are made anew.
const mostPending = 1 << 20

// addIDs adds the ids of the chosen events of a partition.
func addIDs(ctx context.Context, ids *idset.Set, st *vlogs.Store, partition tally.Day, chosen func(vlogs.Stored) bool) error {
	var failed error
	pending := 0
	err := st.Day(ctx, partition, func(e vlogs.Stored) {
		if failed != nil || !chosen(e) {
			return
		}
		if _, failed = ids.Add(e.ID, keyOf(e.Time, e.Timed)); failed != nil {
			return
		}
		if pending++; pending%mostPending == 0 {
			failed = ids.Commit() // the rows are durable
		}
	})
	if err = errors.Join(err, failed); err != nil {
		return fmt.Errorf("cannot read the ids of %s: %w", vlogs.DayName(partition), err)
	}
	return nil
}
