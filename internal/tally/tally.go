// Package tally counts events by day and index, with a checksum of their ids
// that does not depend on order: what was promised is compared with what is
// stored by it.
package tally

import (
	"cmp"
	"slices"
	"time"

	"github.com/cespare/xxhash/v2"
)

// Day is a day of the store, in days since 1970 (UTC).
type Day int64

// DayOf returns the day of a time in unix nanoseconds.
func DayOf(ns int64) Day {
	const day = int64(24 * time.Hour)
	if ns < 0 {
		return Day((ns - day + 1) / day)
	}
	return Day(ns / day)
}

// Start returns when the day begins, in unix nanoseconds.
func (d Day) Start() int64 { return int64(d) * int64(24*time.Hour) }

// Time returns when the day begins.
func (d Day) Time() time.Time { return time.Unix(int64(d)*24*3600, 0).UTC() }

// String returns the day as 2006-01-02.
func (d Day) String() string { return d.Time().Format(time.DateOnly) }

// Key is what events are counted by.
type Key struct {
	Day   Day
	Index string
}

// Tally is a number of events and the sum of hashes of their ids. Tallies of
// the same events are equal, whatever their order.
type Tally struct {
	Events int64
	Sum    uint64
}

// Add counts an event.
func (t *Tally) Add(id [16]byte) {
	t.Events++
	t.Sum += xxhash.Sum64(id[:])
}

// Merge counts what o counts.
func (t *Tally) Merge(o Tally) {
	t.Events += o.Events
	t.Sum += o.Sum
}

// Tallies are the events of some days and indexes.
type Tallies map[Key]Tally

// Add counts an event.
func (ts Tallies) Add(k Key, id [16]byte) {
	t := ts[k]
	t.Add(id)
	ts[k] = t
}

// Merge counts what o counts.
func (ts Tallies) Merge(o Tallies) {
	for k, t := range o {
		was := ts[k]
		was.Merge(t)
		ts[k] = was
	}
}

// ByDay adds up the indexes of each day.
func (ts Tallies) ByDay() map[Day]Tally {
	days := map[Day]Tally{}
	for k, t := range ts {
		was := days[k.Day]
		was.Merge(t)
		days[k.Day] = was
	}
	return days
}

// Days returns the days of ts in order.
func (ts Tallies) Days() []Day {
	seen := map[Day]bool{}
	for k := range ts {
		seen[k.Day] = true
	}
	return Sorted(seen)
}

// Sorted returns the keys of a map of days in order.
func Sorted[V any](days map[Day]V) []Day {
	list := make([]Day, 0, len(days))
	for d := range days {
		list = append(list, d)
	}
	slices.SortFunc(list, func(a, b Day) int { return cmp.Compare(a, b) })
	return list
}
