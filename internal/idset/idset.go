// Package idset holds sets of 16-byte ids that are larger than memory. Set is
// durable and partitioned by day, for ingested events. Temp lives as long as
// one search, for events already delivered. Both consist of the same parts: a
// hash table of the newest ids, and sorted runs on disk with a small in-memory
// filter for each.
package idset

import (
	"encoding/binary"
	"fmt"
	"time"

	"bluetrail/internal/tally"
)

// ID identifies one event.
type ID = [16]byte

// Day is a day in UTC.
type Day = tally.Day

// Key says where the id of an event is stored.
type Key struct {
	Day Day
	// Loose ids have no stable day, since their event has no time of its own.
	// They are compared with all other loose ids, and Day only says where their
	// event is stored.
	Loose bool
}

// Days with their own sets. Times outside share one, so that nobody can create
// an unlimited number of files.
var (
	firstDay = tally.DayOf(time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	lastDay  = tally.DayOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
)

// KeyOf returns the key of an event at a time in unix nanoseconds. timed says
// that the event itself contains this time.
func KeyOf(ns int64, timed bool) Key {
	k := Key{Day: tally.DayOf(ns), Loose: !timed}
	if k.Day < firstDay || k.Day >= lastDay {
		k.Loose = true
	}
	return k
}

// entry is the form in which ids are compared: two big-endian halves, and the
// day of a loose one.
type entry struct {
	hi, lo uint64
	day    Day
}

func entryOf(id ID, day Day) entry {
	return entry{binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:]), day}
}

func (e entry) id() (id ID) {
	binary.BigEndian.PutUint64(id[:8], e.hi)
	binary.BigEndian.PutUint64(id[8:], e.lo)
	return id
}

func (e entry) compare(o entry) int {
	switch {
	case e.hi < o.hi:
		return -1
	case e.hi > o.hi:
		return 1
	case e.lo < o.lo:
		return -1
	case e.lo > o.lo:
		return 1
	}
	return 0
}

// shape is the file format of entries: with or without their day.
type shape int

const (
	plain shape = 16
	dated shape = 20
)

func (s shape) append(dst []byte, e entry) []byte {
	dst = binary.BigEndian.AppendUint64(dst, e.hi)
	dst = binary.BigEndian.AppendUint64(dst, e.lo)
	if s == dated {
		dst = binary.BigEndian.AppendUint32(dst, uint32(e.day))
	}
	return dst
}

func (s shape) read(b []byte) entry {
	e := entry{hi: binary.BigEndian.Uint64(b), lo: binary.BigEndian.Uint64(b[8:])}
	if s == dated {
		e.day = Day(int32(binary.BigEndian.Uint32(b[16:])))
	}
	return e
}

// damaged is the error for a file whose content is not what was written.
func damaged(path, what string) error {
	return fmt.Errorf("%w: file %q: %s", ErrDamaged, path, what)
}
