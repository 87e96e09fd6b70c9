// Package files is a store over event files in place. Nothing is imported;
// every search reads the files again, in parallel.
package files

import (
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/source/file"
	"bluetrail/internal/store"
)

// Options control how files are read.
type Options struct {
	Index      string // "" = the default index
	Sourcetype string // "" = detected per record
	Limits     file.Limits
	Workers    int    // 0 = one per core
	TempDir    string // for data that does not fit in memory, "" = the system's folder
	Remote     Remote // has further files; nil = none
	Earliest   int64  // inclusive; what Each reads of Remote, in unix nanoseconds; queries have ranges of their own
	Latest     int64  // exclusive; both 0 = all
}

// Store answers searches from files. It skips, counts and lists in Stats what
// it cannot read.
type Store struct {
	files []file.File
	opt   Options

	read    atomic.Int64  // packed bytes
	total   int64         // of the files on disk
	far     atomic.Int64  // packed bytes of the remote files of a query or pass, the most so far
	visits  atomic.Int64  // passes of Visit
	visited atomic.Int64  // packed bytes that they read
	counter *atomic.Int64 // for Each, instead of read

	events, duplicates, untimed, done, controls atomic.Int64
	passed                                      passed

	mu      sync.Mutex
	ranges  asked
	skipped []diag.Notice
	more    int64
	told    map[uint64]struct{} // hashes of the problems so far
	leftOut file.LeftOut
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Counting = (*Store)(nil)
	_ store.Indexed  = (*Store)(nil)
)

// Open lists the files at paths; see file.List. No file is opened yet.
func Open(paths []string, opt Options) (*Store, error) {
	var found file.Found
	var err error
	if len(paths) > 0 || opt.Remote == nil {
		found, err = file.List(paths)
	}
	if err != nil {
		return nil, err
	}
	if opt.Earliest == 0 && opt.Latest == 0 {
		opt.Earliest, opt.Latest = store.Beginning, store.End
	}
	if opt.Limits == (file.Limits{}) {
		opt.Limits = file.DefaultLimits()
	}
	s := &Store{files: found.Files, opt: opt, leftOut: found.LeftOut}
	for _, f := range found.Files {
		s.total += f.Size
	}
	for _, sk := range found.Skipped {
		s.skip(sk)
	}
	return s, nil
}

// Indexes implements store.Indexed. All files belong to one index.
func (s *Store) Indexes(context.Context) ([]string, error) {
	if s.opt.Index == "" {
		return []string{event.DefaultIndex}, nil
	}
	return []string{s.opt.Index}, nil
}

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// Progress returns how many packed bytes were read, and the total.
func (s *Store) Progress() (done, total int64) {
	return s.read.Load() + s.visited.Load(), (s.total + s.far.Load()) * (1 + s.visits.Load())
}

// maxSkips limits how many problems are listed; the rest are counted. Up to maxTold
// are known again when another search reads the same file.
const (
	maxSkips = 100
	maxTold  = 1 << 18
)

var seed = maphash.MakeSeed()

func (s *Store) skip(n diag.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := maphash.Comparable(seed, n)
	if _, again := s.told[id]; again {
		return
	}
	if s.told == nil {
		s.told = map[uint64]struct{}{}
	}
	if len(s.told) < maxTold {
		s.told[id] = struct{}{}
	}
	if len(s.skipped) >= maxSkips {
		s.more++
		return
	}
	s.skipped = append(s.skipped, n)
}

func (s *Store) leave(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leftOut.Add(name)
}

// Stats implements store.Counting. It covers all searches so far; a problem that
// several of them meet counts once.
func (s *Store) Stats() store.Stats {
	var notes []diag.Notice
	if s.opt.Remote != nil {
		notes = s.opt.Remote.Notes()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return store.Stats{
		Notes: notes,
		Files: s.done.Load(), Events: s.events.Load(), Duplicates: s.duplicates.Load(), Untimed: s.untimed.Load(), Bytes: s.read.Load(),
		LeftOut: s.leftOut.String(), Controls: s.controls.Load(),
		Skipped: slices.Clone(s.skipped), SkippedMore: s.more,
	}
}
