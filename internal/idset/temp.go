package idset

import (
	"fmt"
	"os"
	"sync"
)

// Temp is a set for one search: in memory up to a limit, then in files that
// vanish with the process. It is safe for concurrent use.
type Temp struct {
	mu    sync.Mutex
	dir   string // of its files
	limit int    // maximum ids in the table
	table table
	runs  []*run
}

// TempIDs is the default number of ids that a Temp holds in memory: 64 MiB. The
// filters and page indexes of ids on disk take about 2 bytes per id, and at
// most 96 MiB.
const TempIDs = 3 << 20

// NewTemp returns an empty set that holds about the given number of ids in
// memory, 0 = TempIDs, and others in files in dir, "" = the system's folder for
// temporary files.
func NewTemp(dir string, limit int) *Temp {
	if limit <= 0 {
		limit = TempIDs
	}
	return &Temp{dir: dir, limit: limit}
}

// Expect makes room for about n ids, so that the set does not have to grow for
// them.
func (t *Temp) Expect(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if size := min(n, t.limit) / 3 * 4; size > len(t.table.slots) {
		t.table.grow(size)
	}
}

// Add adds ids and reports in known which of them were there before. An
// all-zero id stands for no id.
func (t *Temp) Add(ids []ID, known []bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range ids {
		known[i] = false
		if ids[i] == (ID{}) {
			continue
		}
		if err := t.add(ids[i], &known[i]); err != nil {
			return err
		}
	}
	return nil
}

func (t *Temp) add(id ID, known *bool) error {
	e := entryOf(id, 0)
	s := slot{e.hi, e.lo}
	if len(t.runs) > 0 && !t.table.has(s) {
		for i := len(t.runs) - 1; i >= 0; i-- {
			found, err := t.runs[i].has(s)
			if err != nil {
				return err
			}
			if found {
				*known = true
				return nil
			}
		}
	}
	*known = !t.table.add(s)
	if t.table.n >= t.limit {
		return t.spill()
	}
	return nil
}

// spill moves the table's ids into a run.
func (t *Temp) spill() error {
	list := t.table.drain()
	defer t.table.clear()
	r, err := t.write(len(list), func(w *runWriter) error {
		for _, s := range list {
			if err := w.add(entry{hi: s.hi, lo: s.lo}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.runs = append(t.runs, r)
	for n := mergeable(t.runs); n > 0; n = mergeable(t.runs) {
		old := t.runs[len(t.runs)-n:]
		most := 0
		var cursors []*cursor
		for _, r := range old {
			most += r.count
			cursors = append(cursors, r.cursor())
		}
		r, err := t.write(most, func(w *runWriter) error { return merge(cursors, w.add) })
		if err != nil {
			return err
		}
		if err := closeRuns(old); err != nil {
			return err
		}
		t.runs = append(t.runs[:len(t.runs)-n], r)
	}
	return nil
}

// write writes a run to an unnamed file.
func (t *Temp) write(most int, fill func(*runWriter) error) (r *run, err error) {
	f, err := os.CreateTemp(t.dir, "bluetrail-ids-*")
	if err != nil {
		return nil, fmt.Errorf("cannot store event ids on disk: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
			err = fmt.Errorf("cannot store event ids on disk: %w", err)
		}
	}()
	if err := os.Remove(f.Name()); err != nil {
		return nil, err
	}
	w, err := newRunWriter(f, plain, most)
	if err != nil {
		return nil, err
	}
	if err := fill(w); err != nil {
		return nil, err
	}
	return w.finish()
}

// Close releases memory and files.
func (t *Temp) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	err := closeRuns(t.runs)
	t.runs, t.table = nil, table{}
	return err
}

// bytes is what the set takes in memory.
func (t *Temp) bytes() (n int) {
	n = t.table.bytes()
	for _, r := range t.runs {
		n += r.bytes()
	}
	return n
}
