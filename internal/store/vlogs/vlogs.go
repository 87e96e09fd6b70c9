// Package vlogs keeps events in VictoriaLogs' storage engine, inside the
// process. See ../DESIGN.md for what a row holds and how searches are answered.
package vlogs

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/store"
	"bluetrail/internal/tally"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Store is the embedded store of one data directory. Only one process may have
// a directory open.
type Store struct {
	dir  string
	db   *logstorage.Storage
	lock *dirLock

	mirror bool // dir is temporary

	columns *columnSet
	packing packing

	mu   sync.Mutex
	days map[string]bool // partitions written to since the last Sync

	shown    atomic.Int64 // the last batch that searches see
	scans    atomic.Int32 // in progress
	searched atomic.Int64 // when the last scan ended, unix nanoseconds

	manifestMu sync.Mutex
	manifest   *manifest
	damaged    []Damage      // set aside when the store was opened
	read       tally.Tallies // from another process, before the store was opened
	suspect    atomic.Bool   // damage was met: the next start checks everything
	failures   atomic.Int64  // of the engine, see hurt

	foundMu sync.Mutex
	found   map[tally.Day]string // damaged days and the reasons, met while the store is open
	met     chan Damage
}

var _ store.Store = (*Store)(nil)

// Options control how a store is opened.
type Options struct {
	// ReadOnly is for searches: the directory must exist.
	ReadOnly bool
	// Mirror works on links to the directory's files and leaves the directory
	// unchanged. It is implied when the directory is not writable.
	Mirror bool
	// Deep compares the checksums of all parts, and another process reads every
	// row before the engine opens them.
	Deep bool
}

// engineDir is the engine's own folder.
const engineDir = "victorialogs"

// lockWait is how long to wait for another process to end.
const lockWait = 5 * time.Second

// Open opens the store in dir. A directory that another process has open is an
// error that names the process.
func Open(dir string, opts Options) (*Store, error) {
	if err := setup(); err != nil {
		return nil, err
	}
	if opts.ReadOnly {
		if _, err := os.Stat(filepath.Join(dir, engineDir)); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there are no events in %q", dir)
		}
		if opts.Mirror || !writable(dir) {
			return openMirror(dir, opts)
		}
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create data directory: %w", err)
	}
	lock, err := lockDir(dir, lockWait)
	if err != nil {
		return nil, err
	}
	engine := filepath.Join(dir, engineDir)
	_, missing := os.Stat(engine)
	if err := errors.Join(checkFormat(dir, engine), mend(engine)); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	columns, err := openColumns(dir, missing == nil)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Store{dir: dir, lock: lock, columns: columns, days: map[string]bool{}, found: map[tally.Day]string{}, met: make(chan Damage, maxMet)}
	s.shown.Store(math.MaxInt64)
	if err := s.prepare(opts.Deep); err != nil {
		return nil, errors.Join(err, unwatchCrash(dir), lock.Close())
	}
	if err := s.guard(func() error { s.db = openEngine(engine); return nil }); err != nil {
		s.keepLock() // the engine may have opened part of it
		return nil, err
	}
	s.packing.init(s.db.PartitionList())
	for _, d := range s.damaged { // their events are added to it again
		s.packing.keep(d.Day)
	}
	err = s.updateManifest(nil)
	if err == nil && (columns.frozen || columns.doubted) && !opts.ReadOnly && !opts.Mirror {
		err = s.rebuildColumns()
	} else if err == nil && columns.old && !opts.ReadOnly && !opts.Mirror {
		err = columns.rewrite()
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openMirror opens links to the files of a store.
func openMirror(dir string, opts Options) (*Store, error) {
	to, err := mirror(dir)
	if err != nil {
		return nil, err
	}
	s, err := Open(to, Options{Deep: opts.Deep})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(to))
	}
	s.mirror = true
	return s, nil
}

// prepare checks the store's files before the engine opens them.
func (s *Store) prepare(deep bool) error {
	crash, err := watchCrash(s)
	if err != nil {
		return err
	}
	s.manifest, _ = loadManifest(s.dir)
	if s.damaged, err = s.inspect(deep || crash != ""); err != nil {
		return err
	}
	return armCrash(s.dir)
}

// Show limits searches that start from now on to rows up to a batch. Before the
// first call they see all rows. The batch has to be durable: what a search has
// seen must not disappear, however the process ends.
func (s *Store) Show(batch int64) { s.shown.Store(batch) }

// Shown returns the batch up to which Show limits searches; before the first call, one
// beyond all others.
func (s *Store) Shown() int64 { return s.shown.Load() }

// Searching reports whether a search is reading from the store.
func (s *Store) Searching() bool { return s.scans.Load() > 0 }

// Searched reports whether a search is reading from the store, or did within the
// last d.
func (s *Store) Searched(d time.Duration) bool {
	return s.Searching() || time.Now().UnixNano()-s.searched.Load() < int64(d)
}

// formatFile records the row format of a data directory.
const formatFile = "format"

// format is the format that this program reads and writes: the columns of a
// row, and the encoding of several values in one.
const format = "4"

// checkFormat rejects rows of another format. A directory without rows gets
// this one.
func checkFormat(dir, engine string) error {
	path := filepath.Join(dir, formatFile)
	if _, err := os.Stat(engine); errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(path, []byte(format+"\n"), 0o600)
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot determine the format of the data directory: %w", err)
	}
	if string(data) == format+"\n" {
		return nil
	}
	found, err := strconv.Atoi(strings.TrimSuffix(string(data), "\n"))
	if err != nil {
		return fmt.Errorf("the file %q is missing or damaged; it says which format the events have. If this version wrote them, restore it with: echo %s > %[1]q; otherwise ingest the files again, into another directory", path, format)
	}
	return fmt.Errorf("the events in %q are in format %d, this version reads and writes format %s; ingest the files again, into another directory, or use the version that wrote them", dir, found, format)
}

// Close implements store.Store. It writes out rows that were added but not
// synced. A failed engine is not closed, because it may wait for goroutines
// that have ended; committed rows are durable, and nobody else can open the
// store before the process ends.
func (s *Store) Close() error {
	if s.failures.Load() > 0 {
		s.keepLock()
		return s.leaveMark(damageMark)
	}
	s.db.MustClose()
	err := errors.Join(s.updateManifest(nil), unwatchCrash(s.dir))
	if s.suspect.Load() {
		err = errors.Join(err, s.leaveMark(damageMark))
	}
	err = errors.Join(err, s.lock.Close())
	if s.mirror {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

// Info describes the store for people.
type Info struct {
	Events      uint64
	Bytes       uint64 // on disk, without the files of large records
	Parts       uint64 // parts that a scan opens
	Days        int
	Engine      string
	First, Last time.Time // days that have events, zero if there are none
}

// Info counts what is stored.
func (s *Store) Info() Info {
	var st logstorage.StorageStats
	s.db.UpdateStats(&st)
	days := s.db.PartitionList()
	info := Info{
		Events: st.RowsCount(), Days: len(days), Engine: engineName(),
		Bytes: st.CompressedInmemorySize + st.CompressedSmallPartSize + st.CompressedBigPartSize + st.IndexdbSizeBytes,
		Parts: st.InmemoryParts + st.SmallParts + st.BigParts,
	}
	for i, name := range days {
		day, err := time.Parse(dayLayout, name)
		if err != nil {
			continue
		}
		first, last := DaysIn(tally.DayOf(day.UnixNano()))
		if i == 0 || first.Time().Before(info.First) {
			info.First = first.Time()
		}
		if last.Time().After(info.Last) {
			info.Last = last.Time()
		}
	}
	return info
}

// dayLayout is the engine's format of partition names.
const dayLayout = "20060102"

// Merge merges the partitions into as few parts as possible.
func (s *Store) Merge() { s.db.MustForceMerge("") }

// Format is the row format of stores that this program reads and writes.
func Format() string { return format }
