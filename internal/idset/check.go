package idset

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"bluetrail/internal/tally"
)

// Counts holds, by the name of each part of a Set, the number of ids and a sum
// of their hashes. They are kept outside the set, so that lost files are
// noticed.
type Counts map[string]tally.Tally

// Add counts an id.
func (c Counts) Add(id ID, k Key) {
	t := c[NameOf(k)]
	t.Add(id)
	c[NameOf(k)] = t
}

// ErrDamaged reports that files of a set are not what was committed.
var ErrDamaged = errors.New("known ids are damaged")

// Damage describes a part of a set that is not what was committed.
type Damage struct{ Name, Reason string }

// String returns the damage as one line.
func (d Damage) String() string { return d.Name + ": " + d.Reason }

// markSuffix ends the names of files that mark a damaged part until it is dropped.
const markSuffix = ".damaged"

// spoiled marks a part as damaged, so that the next Check reports it.
func (s *Set) spoiled(name string, err error) error {
	if !errors.Is(err, ErrDamaged) || s.readOnly {
		return err
	}
	return errors.Join(err, os.WriteFile(filepath.Join(s.dir, name+markSuffix), nil, 0o600))
}

// Changed returns the counts of parts that changed since the last call. Parts
// without ids have a count of zero.
func (s *Set) Changed() Counts {
	list := Counts{}
	for name := range s.changed {
		list[name] = s.counts[name]
	}
	clear(s.changed)
	return list
}

func (s *Set) count(name string, t tally.Tally) {
	was := s.counts[name]
	was.Merge(t)
	s.counts[name] = was
	s.changed[name] = true
}

// Counted records that an id that is already in the set is not in the counts
// yet.
func (s *Set) Counted(id ID, k Key) {
	var t tally.Tally
	t.Add(id)
	s.count(NameOf(k), t)
}

// Check opens the set in a directory without changing it, and checks it; see
// Set.Check.
func Check(dir string, counts Counts, deep, exact bool) ([]Damage, error) {
	s := &Set{dir: dir, readOnly: true, onDisk: map[string][]int{}, counts: counts}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("cannot open the known ids: %w", err)
	}
	return s.Check(deep, exact)
}

// Check compares the files with the counts and returns the damaged parts in
// order. It reads only sizes and headers; deep reads all ids and compares their
// sums. exact says that the counts cover everything committed, which is true
// unless an ingest was interrupted.
func (s *Set) Check(deep, exact bool) ([]Damage, error) {
	names := map[string]bool{}
	for name := range s.counts {
		names[name] = true
	}
	for name := range s.onDisk {
		names[name] = true
	}
	var list []Damage
	for name := range names {
		reason, err := s.checkPart(name, deep, exact)
		if err != nil {
			return nil, fmt.Errorf("cannot check the known ids: %w", err)
		}
		if reason != "" {
			list = append(list, Damage{name, reason})
		}
	}
	slices.SortFunc(list, func(a, b Damage) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

func (s *Set) checkPart(name string, deep, exact bool) (reason string, err error) {
	b := s.part(name)
	want, known := s.counts[name]
	if _, err := os.Stat(filepath.Join(s.dir, name+markSuffix)); err == nil {
		return "a checksum did not fit when its ids were read", nil
	}
	if s.otherFormat {
		return "the format file is missing or damaged, or of an older version", nil
	}
	if s.buckets[name] != nil {
		return "", nil // checked when it was loaded
	}
	if exact && !known {
		return "ids that nobody counted", nil
	}
	if !deep {
		have, err := b.atMost(s.onDisk[name])
		if errors.Is(err, ErrDamaged) {
			return err.Error(), nil
		}
		if err == nil && have < want.Events {
			reason = lacks(have, want.Events)
		}
		return reason, err
	}
	if err = b.load(s.onDisk[name]); err == nil {
		var have tally.Tally
		err = errors.Join(b.each(func(e entry) error { have.Add(e.id()); return nil }), b.close())
		switch {
		case err != nil:
		case have.Events < want.Events:
			return lacks(have.Events, want.Events), nil
		case exact && have != want:
			return "its ids are not those that were committed", nil
		}
	}
	if errors.Is(err, ErrDamaged) {
		return err.Error(), nil
	}
	return "", err
}

func lacks(have, want int64) string { return fmt.Sprintf("%d ids instead of %d", have, want) }

// atMost returns an upper bound of the ids in a bucket's files, from their
// sizes and the headers of runs.
func (b *bucket) atMost(seqs []int) (n int64, err error) {
	for _, seq := range seqs {
		r, err := openRun(b.runPath(seq), b.shape)
		if err != nil {
			return 0, err
		}
		n += int64(r.count)
		if err := r.close(); err != nil {
			return 0, err
		}
	}
	info, err := os.Stat(b.logPath())
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return 0, err
	}
	return n + max(0, info.Size()-int64(len(logMagic))-frameHead)/int64(b.shape), nil
}

// Drop removes parts with all their files, which may be damaged.
func (s *Set) Drop(names ...string) error {
	for _, name := range names {
		if b := s.buckets[name]; b != nil {
			if !b.clean() {
				return fmt.Errorf("cannot drop known ids of %s while some are not durable yet", name)
			}
			s.drop(b)
		}
		b := s.part(name)
		paths := []string{b.logPath(), filepath.Join(s.dir, name+markSuffix)}
		for _, seq := range s.onDisk[name] {
			paths = append(paths, b.runPath(seq))
		}
		for _, path := range paths {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("cannot drop known ids: %w", err)
			}
		}
		delete(s.onDisk, name)
		delete(s.counts, name)
		s.changed[name] = true
	}
	return syncDir(s.dir)
}
