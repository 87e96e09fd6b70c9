package vlogs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Damage describes a partition whose files differ from what was written, and
// which was set aside.
type Damage struct {
	Day    tally.Day
	Rows   int64 // expected, as far as the manifest knows
	Reason string
	Folder string // current location, "" when it is missing
}

// asideDir is where damaged partitions are moved to, below the store's folder.
const asideDir = "aside"

// crashFile holds the engine's last words when it ended a process. If the file
// exists, the next start compares all checksums.
const crashFile = "crash"

// partitionState is the result of checking a partition.
type partitionState struct {
	reason  string // why it is damaged
	unknown bool   // it has parts that the manifest does not list
	moved   bool   // file times differ from the manifest, but the contents match
}

// checkPartition compares a partition with the manifest: the sizes and times of
// the files of its parts, and their checksums where those differ or when deep is
// set.
func (m *manifest) checkPartition(partitions, day string, deep bool) (st partitionState) {
	if _, err := os.Stat(filepath.Join(partitions, day)); err != nil {
		return partitionState{reason: "the partition is missing"}
	}
	var rows int64
	for _, kind := range partKinds {
		names, err := listedParts(filepath.Join(partitions, day, kind))
		if err != nil {
			return partitionState{reason: fmt.Sprintf("%s: %v", kind, rootCause(err))}
		}
		for _, name := range names {
			key := day + "/" + kind + "/" + name
			path := filepath.Join(partitions, key)
			known, ok := m.parts[key]
			if !ok {
				n, err := int64(0), error(nil)
				if _, err = os.Stat(path); err == nil && kind == "datadb" {
					n, err = partRows(path)
				}
				if err != nil {
					return partitionState{reason: fmt.Sprintf("part %s/%s: %v", kind, name, rootCause(err))}
				}
				rows += n
				st.unknown = true
				continue
			}
			rows += known.rows
			stat, _, err := statPart(path)
			if err == nil && (deep || stat != known.stat) {
				var sum uint64
				if sum, err = sumPart(path, nil); err == nil && sum != known.sum {
					err = errors.New("its files differ from those that were written")
				}
				st.moved = st.moved || stat != known.stat
			}
			if err != nil {
				return partitionState{reason: fmt.Sprintf("part %s/%s: %v", kind, name, rootCause(err))}
			}
		}
		for key := range m.parts { // indexdb parts have no rows
			if kind == "indexdb" && !st.unknown && strings.HasPrefix(key, day+"/indexdb/") && !slices.Contains(names, filepath.Base(key)) {
				return partitionState{reason: "part " + strings.TrimPrefix(key, day+"/") + " is no longer listed"}
			}
		}
	}
	if want := m.days()[day]; rows < want {
		return partitionState{reason: fmt.Sprintf("its parts have %d events instead of %d", rows, want)}
	}
	return st
}

// rootCause drops paths from an error; they tell the reader nothing.
func rootCause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Errorf("%s: %w", filepath.Base(path.Path), path.Err)
	}
	return err
}

// inspect checks all partitions before the engine opens them, because the
// engine ends the process when it meets a damaged one. Another process first
// reads the partitions that have parts missing from the manifest. Damaged
// partitions are set aside.
func (s *Store) inspect(deep bool) (list []Damage, err error) {
	partitions := filepath.Join(s.dir, engineDir, "partitions")
	days := s.manifest.days()
	entries, err := os.ReadDir(partitions)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot check the store: %w", err)
	}
	for _, e := range entries {
		if _, err := time.Parse(dayLayout, e.Name()); err != nil {
			if err := s.setAside(e.Name(), &Damage{}); err != nil { // the engine refuses names that are not days
				return nil, err
			}
			continue
		}
		days[e.Name()] += 0
	}
	names := make([]string, 0, len(days))
	for day := range days {
		names = append(names, day)
	}
	slices.Sort(names)
	states := make([]partitionState, len(names))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	for i, day := range names {
		wg.Go(func() {
			slots <- struct{}{}
			states[i] = s.manifest.checkPartition(partitions, day, deep)
			<-slots
		})
	}
	wg.Wait()
	var unread []string
	for i, day := range names {
		if states[i].reason == "" && (states[i].unknown || deep) {
			unread = append(unread, day)
		}
	}
	bad, read, err := s.readInChild(unread)
	if err != nil {
		return nil, err
	}
	s.read = read
	changed := false
	for i, day := range names {
		reason := states[i].reason
		if reason == "" {
			reason = bad[day]
		}
		if reason != "" {
			d := Damage{Rows: days[day], Reason: reason}
			if err := s.setAside(day, &d); err != nil {
				return nil, err
			}
			list = append(list, d)
			changed = true
			continue
		}
		if states[i].moved {
			s.manifest.forget(day)
		}
		if states[i].unknown || states[i].moved {
			if _, err := s.manifest.update(partitions, day); err != nil {
				return nil, err
			}
			changed = true
		}
	}
	if changed {
		err = s.manifest.save(s.dir)
	}
	if deep && err == nil && len(list) == 0 {
		err = s.noteChecked(time.Now())
	}
	return list, err
}

// setAside moves a partition out of the engine's reach. Nothing is deleted.
func (s *Store) setAside(day string, d *Damage) error {
	if at, err := time.Parse(dayLayout, day); err == nil {
		d.Day = tally.DayOf(at.UnixNano())
	}
	s.manifest.forget(day)
	from := filepath.Join(s.dir, engineDir, "partitions", day)
	if _, err := os.Lstat(from); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	dir := filepath.Join(s.dir, asideDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot set the damaged partition %s aside: %w", day, err)
	}
	for n := 1; ; n++ {
		to := filepath.Join(dir, fmt.Sprintf("%s-%d", filepath.Base(day), n))
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("cannot set the damaged partition %s aside: %w", day, err)
		}
		d.Folder = to
		return errors.Join(syncDir(dir), syncDir(filepath.Dir(from)))
	}
}

// Damaged returns the partitions that were set aside when the store was opened.
func (s *Store) Damaged() []Damage { return s.damaged }

// Counts returns how many rows each day had when the store was opened or last
// verified. Days without rows are left out.
func (s *Store) Counts() map[tally.Day]int64 {
	s.manifestMu.Lock()
	defer s.manifestMu.Unlock()
	counts := map[tally.Day]int64{}
	for name, rows := range s.manifest.days() {
		if at, err := time.Parse(dayLayout, name); err == nil && rows > 0 {
			counts[tally.DayOf(at.UnixNano())] = rows
		}
	}
	return counts
}

// Tally reads the ids of a day's rows and counts the rows by index.
func (s *Store) Tally(ctx context.Context, day tally.Day) (tally.Tallies, error) {
	ts := tally.Tallies{}
	err := s.Day(ctx, day, func(e Stored) { ts.Add(tally.Key{Day: e.Day, Index: e.Index}, e.ID) })
	return ts, err
}

// Day calls yield for every event of a day, one at a time.
func (s *Store) Day(ctx context.Context, day tally.Day, yield func(Stored)) error {
	q, err := logstorage.ParseQuery("* | fields " + idFields)
	if err != nil {
		return err
	}
	q.AddTimeFilter(day.Start(), (day+1).Start()-1)
	return s.each(ctx, q, yield)
}

// updateManifest records the parts of the given days, or of all days when days
// is nil.
func (s *Store) updateManifest(days []string) error {
	s.manifestMu.Lock()
	defer s.manifestMu.Unlock()
	partitions := filepath.Join(s.dir, engineDir, "partitions")
	changed := false
	if days == nil {
		entries, err := os.ReadDir(partitions)
		if err != nil {
			return fmt.Errorf("cannot check the store: %w", err)
		}
		for _, e := range entries {
			days = append(days, e.Name())
		}
		for day := range s.manifest.days() {
			if !slices.Contains(days, day) {
				s.manifest.forget(day)
				changed = true
			}
		}
	}
	for _, day := range days {
		c, err := s.manifest.update(partitions, day)
		if err != nil {
			return err
		}
		changed = changed || c
	}
	if !changed {
		return nil
	}
	return s.manifest.save(s.dir)
}

// Read returns the counts of the days that another process read before the
// store was opened. With Deep these are all days.
func (s *Store) Read() tally.Tallies { return s.read }
