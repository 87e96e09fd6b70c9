package vlogs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// removedPrefix begins the names of partitions that are being deleted.
const removedPrefix = "removed-"

// RemoveDay deletes a day with all its rows. All writes must have been synced.
// It waits for running searches to end.
func (s *Store) RemoveDay(day tally.Day) error {
	name := day.Time().Format(dayLayout)
	if !slices.Contains(s.db.PartitionList(), name) {
		return nil
	}
	fail := func(err error) error { return fmt.Errorf("cannot remove the events of %s: %w", day, err) }
	if err := s.db.PartitionDetach(name); err != nil {
		return fail(err)
	}
	to := filepath.Join(s.dir, removedPrefix+name)
	if err := os.RemoveAll(to); err != nil {
		return fail(err)
	}
	// Remove the list of parts first: a partition without it is not reported as
	// a loss.
	s.manifestMu.Lock()
	s.manifest.forget(name)
	err := s.manifest.save(s.dir)
	s.manifestMu.Unlock()
	if err != nil {
		return fail(err)
	}
	if err := os.Rename(s.partition(day), to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail(err)
	}
	if err := syncDir(filepath.Dir(s.partition(day))); err != nil {
		return fail(err)
	}
	if err := os.RemoveAll(to); err != nil {
		return fail(err)
	}
	return nil
}

var errEngine = errors.New("the storage engine failed; the next start checks the store")

// deleteWait is the interval at which the engine is asked whether it has
// deleted rows.
const deleteWait = 20 * time.Millisecond

// RemoveIndex deletes the rows of one index from a partition, for days before
// the given one. All writes must have been synced. It waits until the engine
// has rewritten the parts.
func (s *Store) RemoveIndex(ctx context.Context, day tally.Day, index string, before tally.Day) error {
	fail := func(err error) error {
		return fmt.Errorf("cannot remove the events of index %q from %s: %w", index, day, err)
	}
	end := (day + 1).Start() - 1
	if _, last := DaysIn(day); before <= last { // a partition shared by several days
		end = pack(before.Start()) - 1
	}
	filter := fmt.Sprintf("{%s=%s} _time:[%d, %d]", event.Index, strconv.Quote(index), day.Start(), end)
	if err := s.damagedBetween(day.Start(), end); err != nil {
		return fail(err)
	}
	failures := s.failures.Load()
	f, err := logstorage.ParseFilter(filter)
	if err != nil {
		return fail(err)
	}
	id := "retention " + day.String() + " " + before.String() + " " + index
	if err := s.db.DeleteRunTask(ctx, id, end, tenants, f); err != nil {
		return fail(err)
	}
	for {
		tasks, err := s.db.DeleteActiveTasks(ctx)
		if err != nil {
			return fail(err)
		}
		if !slices.ContainsFunc(tasks, func(t *logstorage.DeleteTask) bool { return t.TaskID == id }) {
			break
		}
		if s.failures.Load() > failures { // the engine has given up
			return fail(cmp.Or(s.damagedBetween(day.Start(), end), errEngine))
		}
		select {
		case <-ctx.Done():
			return fail(ctx.Err()) // the engine continues, even after a restart
		case <-time.After(deleteWait):
		}
	}
	s.manifestMu.Lock()
	s.manifest.forget(day.Time().Format(dayLayout)) // the rewritten parts have fewer rows
	s.manifestMu.Unlock()
	return s.updateManifest([]string{day.Time().Format(dayLayout)})
}

// Bytes returns the disk usage of each day as of the last commit.
func (s *Store) Bytes() map[tally.Day]int64 {
	s.manifestMu.Lock()
	defer s.manifestMu.Unlock()
	sizes := map[tally.Day]int64{}
	for key, e := range s.manifest.parts {
		if at, err := time.Parse(dayLayout, key[:min(len(key), len(dayLayout))]); err == nil {
			sizes[tally.DayOf(at.UnixNano())] += e.bytes
		}
	}
	return sizes
}
