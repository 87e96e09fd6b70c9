package vlogs

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// LeastFree is the free disk space in bytes below which ingest stops, because the engine
// ends the process when a write fails. Data in memory at that point takes less
// space than this.
const LeastFree = 256 << 20

// commitFree is what a commit needs beside the space of its records.
const commitFree = 16 << 20

// FullError reports that a disk has too little space for ingest.
type FullError struct {
	Dir        string
	Free, Need int64 // bytes
}

func (e *FullError) Error() string {
	return fmt.Sprintf("the disk of %q is nearly full (%d MiB free, ingest needs %d MiB); free some space: a server then continues by itself, a command has to be run again; events ingested so far are kept", e.Dir, e.Free>>20, e.Need>>20)
}

// Free returns the free space of a directory's disk in bytes.
func Free(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, fmt.Errorf("cannot determine the free space of %q: %w", dir, err)
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// Room returns a *FullError when the disk is too full to ingest more.
func (s *Store) Room() error { return s.room(LeastFree) }

// RoomFor returns a *FullError when the disk is too full to commit records of a size in
// bytes.
func (s *Store) RoomFor(size int64) error { return s.room(size/2 + commitFree) }

func (s *Store) room(need int64) error {
	free, err := Free(s.dir)
	if err == nil && free < need {
		err = &FullError{s.dir, free, need}
	}
	return err
}

// Sync makes all flushed rows durable and visible to searches. No rows may be
// added while it runs.
//
// The engine writes out and syncs a partition when it makes a snapshot of it,
// but leaves out rows that are being merged in memory; Sync waits for those.
func (s *Store) Sync() error {
	s.mu.Lock()
	days := s.days
	s.days = map[string]bool{}
	s.mu.Unlock()
	s.db.DebugFlush()
	for {
		for d := range days {
			for _, path := range s.db.PartitionSnapshotMustCreate(d) {
				if err := os.RemoveAll(path); err != nil {
					return fmt.Errorf("cannot remove snapshot: %w", err)
				}
			}
		}
		var st logstorage.StorageStats
		s.db.UpdateStats(&st)
		if st.InmemoryRowsCount == 0 && st.PendingRows == 0 {
			return nil
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *Store) touch(days map[string]bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for d := range days {
		s.days[d] = true
	}
}

// Stored identifies an event in the store.
type Stored struct {
	ID    [16]byte
	Time  int64 // unix nanoseconds
	Timed bool  // the record has its own time
	Batch int64 // unix milliseconds
	Seq   uint64
	Index string
	Day   tally.Day // the partition of its row
	Given bool      // ID is derived from its eventID

	// Of Since only.
	Raw  []byte
	Meta event.Meta
}

// idFields are the columns that Stored is built from.
var idFields = strings.Join([]string{timeName, rawColumn, idColumn, bigColumn, trueTime, batchColumn, seqColumn, event.Index}, ", ")

// Since calls yield for every event of a batch after the given one, such as the
// rows left by an interrupted ingest.
func (s *Store) Since(ctx context.Context, batch int64, yield func(Stored)) error {
	fields := strings.Join([]string{idFields, event.Sourcetype, event.Source, event.Host}, ", ")
	q, err := logstorage.ParseQuery(fmt.Sprintf("%s:>%d | fields %s", batchColumn, batch, fields))
	if err != nil {
		return err
	}
	return s.each(ctx, q, yield)
}

func (s *Store) stored(db *logstorage.DataBlock, i int) (row Stored, err error) {
	val := func(name string) string {
		if c := db.GetColumnByName(name); c != nil {
			return c.Values[i]
		}
		return ""
	}
	number := func(name string) (n int64) {
		if t := val(name); t != "" && err == nil {
			n, err = strconv.ParseInt(t, 10, 64)
		}
		return n
	}
	row.Batch, row.Seq = number(batchColumn), uint64(number(seqColumn))
	times, ok := db.GetTimestamps(nil)
	if !ok {
		return row, errors.New("the store returned rows without a time")
	}
	row.Day, row.Index = tally.DayOf(times[i]), strings.Clone(val(event.Index))
	if row.Time = number(trueTime); val(trueTime) == "" {
		row.Time = ownTime(times[i])
	}
	if err != nil {
		return row, fmt.Errorf("the store contains an invalid number: %w", err)
	}
	raw := []byte(val(rawColumn))
	if big := val(bigColumn); big != "" {
		if raw, err = s.readBig(big); err != nil {
			return row, err
		}
	}
	known := event.Identify(raw)
	row.ID, row.Timed, row.Given = known.ID, known.Timed, known.Given
	row.Raw = raw
	row.Meta = event.Meta{Index: row.Index, Sourcetype: strings.Clone(val(event.Sourcetype)), Source: strings.Clone(val(event.Source)), Host: strings.Clone(val(event.Host))}
	if h := val(idColumn); h != "" {
		row.Given = false
		_, err = hex.Decode(row.ID[:], []byte(h))
	} else if !known.Given {
		err = errors.New("the store contains an event without an identity")
	}
	return row, err
}
