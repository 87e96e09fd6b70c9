package idset

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/tally"
)

// Set is the durable set of a data directory. It belongs to one goroutine,
// except for Cut.Write.
//
// Add adds an id in memory, and Commit makes all added ids durable; Cut does so
// while others are added. After a crash, only some of the ids of the last
// Commit may be there; adding them again creates no duplicates.
type Set struct {
	dir         string
	budget      int
	readOnly    bool // for Check only
	otherFormat bool // the files cannot be used
	most        int  // maximum entries in a log

	buckets map[string]*bucket // buckets in memory
	onDisk  map[string][]int   // file numbers of each bucket's runs, oldest first
	counts  Counts             // committed ids
	changed map[string]bool    // keys of counts, see Changed
	dirty   []*bucket
	cut     *Cut    // not finished yet
	last    *bucket // bucket of the last Add, whose key was
	lastKey Key
	clock   int64
	memory  int
}

// Budget limits what a Set holds in memory between commits. Each id added since
// the last commit takes another 16 to 43 bytes.
const Budget = 64 << 20

const (
	formatFile = "format"
	format     = "bluetrail ids 3\n"
	tmpSuffix  = ".tmp"
	looseName  = "loose"
)

// Open opens the set in a directory, which it creates if necessary. The counts
// are those that Changed has returned so far. Files of an older or unreadable
// format are removed; Check then reports what is missing.
func Open(dir string, counts Counts) (*Set, error) {
	s := &Set{dir: dir, budget: Budget, most: runIDs, buckets: map[string]*bucket{}, onDisk: map[string][]int{}, counts: Counts{}, changed: map[string]bool{}}
	maps.Copy(s.counts, counts)
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("cannot open the known ids: %w", err)
	}
	return s, nil
}

func (s *Set) open() error {
	if !s.readOnly {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return err
		}
	}
	list, err := os.ReadDir(s.dir)
	if err != nil && !(s.readOnly && errors.Is(err, fs.ErrNotExist)) {
		return err
	}
	list, err = s.checkFormat(list)
	if err != nil {
		return err
	}
	for _, d := range list {
		name, kind, _ := strings.Cut(d.Name(), ".")
		switch {
		case strings.HasSuffix(kind, tmpSuffix): // left by a crash
			if s.readOnly {
				continue
			}
			if err := os.Remove(filepath.Join(s.dir, d.Name())); err != nil {
				return err
			}
		case kind == "log":
			s.onDisk[name] = append(s.onDisk[name], nil...)
		case strings.HasSuffix(kind, ".run"):
			if seq, err := strconv.Atoi(strings.TrimSuffix(kind, ".run")); err == nil {
				s.onDisk[name] = append(s.onDisk[name], seq)
			}
		}
	}
	for _, seqs := range s.onDisk {
		slices.Sort(seqs)
	}
	return nil
}

// checkFormat removes files of another format.
func (s *Set) checkFormat(list []fs.DirEntry) ([]fs.DirEntry, error) {
	path := filepath.Join(s.dir, formatFile)
	got, err := os.ReadFile(path)
	if err == nil && string(got) == format {
		return list, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var have, own int
	if _, err := fmt.Sscanf(string(got), "bluetrail ids %d\n", &have); err == nil {
		if _, err := fmt.Sscanf(format, "bluetrail ids %d\n", &own); err == nil && have > own {
			return nil, fmt.Errorf("a newer version wrote %q (format %d; this version supports %d); use that version", s.dir, have, own)
		}
	}
	if s.readOnly {
		s.otherFormat = true
		return nil, nil
	}
	for _, d := range list {
		if d.IsDir() {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, d.Name())); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(path, []byte(format), 0o600); err != nil {
		return nil, err
	}
	return nil, syncDir(s.dir)
}

// NameOf returns the name of the part that holds ids of a key.
func NameOf(k Key) string {
	if k.Loose {
		return looseName
	}
	return k.Day.String()
}

// Add adds an id. It returns false if the id is already in the set.
func (s *Set) Add(id ID, k Key) (bool, error) {
	b := s.last
	if b == nil || s.lastKey.Loose != k.Loose || !k.Loose && s.lastKey.Day != k.Day {
		var err error
		if b, err = s.bucket(NameOf(k)); err != nil {
			return false, err
		}
		s.last, s.lastKey = b, k
	}
	s.clock++
	b.used = s.clock
	e := entryOf(id, k.Day)
	sl := slot{e.hi, e.lo}
	if known, err := b.has(sl); known || err != nil {
		return false, s.spoiled(b.name, err)
	}
	before := len(b.table.slots)
	b.table.add(sl)
	if len(b.table.slots) != before {
		s.weigh(b)
	}
	if len(b.pending) == 0 {
		s.dirty = append(s.dirty, b)
	}
	b.pending = append(b.pending, e)
	return true, nil
}

// bucket returns a bucket, loading it if necessary.
func (s *Set) bucket(name string) (*bucket, error) {
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	s.evict()
	b := s.part(name)
	err := b.load(s.onDisk[name])
	if have := b.count(); err == nil && have < s.counts[name].Events {
		err = errors.Join(damaged(b.logPath(), lacks(have, s.counts[name].Events)), b.close())
	}
	if err != nil {
		return nil, s.spoiled(name, err)
	}
	s.buckets[name] = b
	s.weigh(b)
	return b, nil
}

// part returns a bucket without loading its files.
func (s *Set) part(name string) *bucket {
	b := &bucket{dir: s.dir, name: name, shape: plain, most: s.most}
	if name == looseName {
		b.shape = dated
	}
	return b
}

// weigh updates the memory accounted to a bucket.
func (s *Set) weigh(b *bucket) {
	s.memory += b.bytes() - b.held
	b.held = b.bytes()
}

// evict drops the least recently used buckets from memory until half the budget
// is free. Buckets with ids that are not on disk stay.
func (s *Set) evict() {
	if s.memory <= s.budget {
		return
	}
	var clean []*bucket
	for _, b := range s.buckets {
		if b.clean() {
			clean = append(clean, b)
		}
	}
	slices.SortFunc(clean, func(a, b *bucket) int { return int(a.used - b.used) })
	for _, b := range clean {
		if s.memory <= s.budget/2 {
			return
		}
		s.drop(b)
	}
}

// drop removes a bucket from memory.
func (s *Set) drop(b *bucket) {
	s.memory -= b.held
	if s.last == b {
		s.last = nil
	}
	s.onDisk[b.name] = slices.Clone(b.seqs)
	delete(s.buckets, b.name)
	b.close() // was only read
}

// Each calls yield for every committed id, with the day under which its event
// is stored. The ids of a day are not contiguous if some of them are loose.
func (s *Set) Each(yield func(Key, ID) error) error {
	for _, day := range s.Days() {
		if err := s.eachOf(day.String(), yield); err != nil {
			return err
		}
	}
	return s.eachOf(looseName, yield)
}

// Days returns the days that have their own ids, in order.
func (s *Set) Days() (days []Day) {
	names := map[string]bool{}
	for name := range s.onDisk {
		names[name] = true
	}
	for name := range s.buckets {
		names[name] = true
	}
	for name := range names {
		if day, ok := DayOf(name); ok {
			days = append(days, day)
		}
	}
	slices.Sort(days)
	return days
}

// DayOf parses the name of a part that holds the ids of one day; ok is false
// for the part of loose ids.
func DayOf(name string) (day Day, ok bool) {
	t, err := time.Parse(time.DateOnly, name)
	return tally.DayOf(t.UnixNano()), err == nil
}

// Day is Each for the ids of one day.
func (s *Set) Day(day Day, yield func(ID) error) error {
	of := func(k Key, id ID) error {
		if k.Day != day {
			return nil
		}
		return yield(id)
	}
	if err := s.eachOf(day.String(), of); err != nil {
		return err
	}
	return s.eachOf(looseName, of)
}

func (s *Set) eachOf(name string, yield func(Key, ID) error) error {
	b, err := s.bucket(name)
	if err != nil {
		return err
	}
	day, ok := DayOf(name)
	k := Key{Day: day, Loose: !ok}
	return s.spoiled(name, b.each(func(e entry) error {
		if k.Loose {
			k.Day = e.day
		}
		return yield(k, e.id())
	}))
}

// Forget removes the ids of events stored under the given days, so that they
// can be ingested again. Nothing may be waiting for Commit.
func (s *Set) Forget(days ...Day) error {
	if len(s.dirty) > 0 || s.cut != nil {
		return errors.New("cannot forget ids while some are not durable yet")
	}
	err := s.forget(days)
	if err != nil {
		return fmt.Errorf("cannot forget ids: %w", err)
	}
	return nil
}

func (s *Set) forget(days []Day) error {
	var names []string
	for _, day := range days {
		name := day.String()
		if _, ok := s.onDisk[name]; ok || s.buckets[name] != nil || s.counts[name].Events > 0 {
			names = append(names, name)
		}
	}
	if err := s.Drop(names...); err != nil {
		return err
	}
	if _, ok := s.onDisk[looseName]; !ok && s.buckets[looseName] == nil {
		return nil
	}
	b, err := s.bucket(looseName)
	if err != nil {
		return err
	}
	left, err := b.forget(func(e entry) bool { return slices.Contains(days, e.day) })
	s.drop(b) // its memory is reloaded
	if err != nil {
		return s.spoiled(looseName, err)
	}
	s.counts[looseName] = left
	s.changed[looseName] = true
	return nil
}

// Close releases memory and files; uncommitted ids are lost.
func (s *Set) Close() (err error) {
	for _, b := range s.buckets {
		err = errors.Join(err, b.close())
	}
	s.buckets, s.last, s.dirty, s.cut = map[string]*bucket{}, nil, nil, nil
	return err
}
