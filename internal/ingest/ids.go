package ingest

import (
	"bytes"
	"container/list"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// maxHeld is how many ids are held in memory before hours that were not used
// lately are forgotten: about 300 MB.
const maxHeld = 8 << 20

// ids tells whether an event is stored already. The ids of each hour of event
// time lie in a file; those that are used are held in memory. Ids become
// durable with commit. It is not safe for concurrent use.
type ids struct {
	dir   string
	hours map[int64]*hour
	lru   *list.List // of *hour, most recently used first
	held  int
	last  *hour
}

type hour struct {
	key   int64 // hours since 1970
	set   map[[16]byte]struct{}
	fresh [][16]byte // not in the file yet
	at    *list.Element
}

func newIDs(dir string) *ids {
	return &ids{dir: dir, hours: map[int64]*hour{}, lru: list.New()}
}

func (x *ids) path(key int64) string {
	t := time.Unix(key*3600, 0).UTC()
	return filepath.Join(x.dir, t.Format("2006"), t.Format("01"), t.Format("02"), t.Format("15"))
}

// add reports whether the id of an event of the given time is new, and
// remembers it.
func (x *ids) add(id [16]byte, ns int64) (bool, error) {
	h, err := x.hour(ns)
	if err != nil {
		return false, err
	}
	if _, ok := h.set[id]; ok {
		return false, nil
	}
	h.set[id] = struct{}{}
	h.fresh = append(h.fresh, id)
	x.held++
	return true, nil
}

func (x *ids) hour(ns int64) (*hour, error) {
	key := ns / int64(time.Hour)
	if ns < 0 {
		key--
	}
	if x.last != nil && x.last.key == key {
		return x.last, nil
	}
	h := x.hours[key]
	if h == nil {
		var err error
		if h, err = x.load(key); err != nil {
			return nil, err
		}
	}
	x.lru.MoveToFront(h.at)
	x.last = h
	return h, nil
}

func (x *ids) load(key int64) (*hour, error) {
	x.forget()
	data, err := os.ReadFile(x.path(key))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read event ids: %w", err)
	}
	h := &hour{key: key, set: make(map[[16]byte]struct{}, len(data)/16)}
	for ; len(data) >= 16; data = data[16:] {
		h.set[[16]byte(data[:16])] = struct{}{}
	}
	h.at = x.lru.PushFront(h)
	x.hours[key] = h
	x.held += len(h.set)
	return h, nil
}

// forget drops hours that were not used lately; those with ids that are in no
// file yet stay.
func (x *ids) forget() {
	for e := x.lru.Back(); e != nil && x.held > maxHeld; {
		h, prev := e.Value.(*hour), e.Prev()
		if len(h.fresh) == 0 && h != x.last {
			x.held -= len(h.set)
			delete(x.hours, h.key)
			x.lru.Remove(e)
		}
		e = prev
	}
}

// commit makes all new ids durable. Their events must be so already. A file
// that a crash left with a part of an id at its end is cut first.
func (x *ids) commit() error {
	for _, h := range x.hours {
		if len(h.fresh) == 0 {
			continue
		}
		if err := appendIDs(x.path(h.key), h.fresh); err != nil {
			return fmt.Errorf("cannot write event ids: %w", err)
		}
		h.fresh = nil
	}
	x.forget()
	return nil
}

func appendIDs(path string, fresh [][16]byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	for _, id := range fresh {
		buf.Write(id[:])
	}
	if _, err := f.WriteAt(buf.Bytes(), info.Size()/16*16); err != nil {
		return err
	}
	return f.Sync()
}

// nameless makes the id of a record that carries none, from where it stood.
func nameless(hash func([]byte) [16]byte, source string, ordinal int, raw []byte) [16]byte {
	key := binary.AppendUvarint(append([]byte(source), 0), uint64(ordinal))
	return hash(append(append(key, 0), raw...))
}
