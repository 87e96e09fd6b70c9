package ingest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// idStore knows the ids of all events that are stored: in files of their own
// for each hour of event time, of which those in use are held in memory. It is
// for one goroutine.
type idStore struct {
	dir    string
	budget int // slots that clean hours may take in memory
	slots  int // taken by all hours
	hours  map[int64]*hour
	dirty  []*hour // added to since the last commit
	clock  int64
}

// hour is the ids of the events of one hour.
type hour struct {
	key   int64
	table idTable
	added []recordID // not in the file yet
	used  int64
}

// idBudget bounds the ids in memory to 64 MiB, as long as those of the hours
// that one batch touches do not take more by themselves.
const idBudget = 4 << 20

// Hours are told apart between these years; the rest share one file.
var (
	firstHour = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 3600
	lastHour  = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).Unix() / 3600
)

func newIDStore(dir string, budget int) *idStore {
	return &idStore{dir: dir, budget: budget, hours: map[int64]*hour{}}
}

// add notes the id of an event of the given time, in unix nanoseconds; it
// returns false when there is one already.
func (s *idStore) add(id recordID, ns int64) (bool, error) {
	key := ns / int64(time.Hour)
	if key < firstHour || key >= lastHour {
		key = 0
	}
	h := s.hours[key]
	if h == nil {
		var err error
		if h, err = s.load(key); err != nil {
			return false, err
		}
	}
	s.clock++
	h.used = s.clock
	before := h.table.size()
	if !h.table.add(id) {
		return false, nil
	}
	s.slots += h.table.size() - before
	if len(h.added) == 0 {
		s.dirty = append(s.dirty, h)
	}
	h.added = append(h.added, id)
	return true, nil
}

func (s *idStore) path(key int64) string {
	if key == 0 {
		return filepath.Join(s.dir, "other")
	}
	return filepath.Join(s.dir, time.Unix(key*3600, 0).UTC().Format("2006/01/02/15"))
}

func (s *idStore) load(key int64) (*hour, error) {
	s.evict()
	h := &hour{key: key}
	path := s.path(key)
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read known ids: %w", err)
	}
	whole := len(data) / len(recordID{}) * len(recordID{})
	if whole < len(data) { // a crash tore the last id; its event is found in the store
		if err := os.Truncate(path, int64(whole)); err != nil {
			return nil, fmt.Errorf("cannot mend the file of known ids %q: %w", path, err)
		}
	}
	for ; whole > 0; whole -= len(recordID{}) {
		h.table.add(recordID(data[whole-len(recordID{}):]))
	}
	s.slots += h.table.size()
	s.hours[key] = h
	return h, nil
}

// evict forgets the hours that were not asked for the longest while, until the
// budget holds. Those with ids that are not in files stay.
func (s *idStore) evict() {
	for s.slots > s.budget {
		var oldest *hour
		for _, h := range s.hours {
			if len(h.added) == 0 && (oldest == nil || h.used < oldest.used) {
				oldest = h
			}
		}
		if oldest == nil {
			return
		}
		delete(s.hours, oldest.key)
		s.slots -= oldest.table.size()
	}
}

// commit writes what was added to the files, durably.
func (s *idStore) commit() error {
	for _, h := range s.dirty {
		if err := s.append(h); err != nil {
			return fmt.Errorf("cannot keep known ids: %w", err)
		}
		h.added = h.added[:0]
	}
	s.dirty = s.dirty[:0]
	s.evict()
	return nil
}

func (s *idStore) append(h *hour) error {
	path := s.path(h.key)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o644)
	made := errors.Is(err, fs.ErrNotExist)
	if made {
		if err := makeDirs(filepath.Dir(path)); err != nil {
			return err
		}
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	}
	if err != nil {
		return err
	}
	buf := make([]byte, 0, len(h.added)*len(recordID{}))
	for _, id := range h.added {
		buf = append(buf, id[:]...)
	}
	_, err = f.Write(buf)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil && made {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

// makeDirs is os.MkdirAll whose directories survive a loss of power.
func makeDirs(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := makeDirs(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
