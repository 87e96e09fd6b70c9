package files

import (
	"encoding/binary"
	"math/bits"
	"sync"
)

// maxIDs is how many event ids are remembered to drop duplicates: between one
// and two times that, in at most 512 MiB. Duplicates come hours apart at most,
// and files are read in the order of their delivery.
const maxIDs = 8 << 20

// seen remembers the ids of the events that were handed out. It is safe for
// concurrent use.
type seen struct {
	mu       sync.Mutex
	now, old idSet
	limit    int
}

// add notes ids and reports in dup which of them were there before.
func (s *seen) add(ids [][16]byte, dup []bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, id := range ids {
		if id == ([16]byte{}) {
			dup[i] = false // no id: it cannot be told apart
			continue
		}
		dup[i] = s.old.has(id) || !s.now.add(id)
		if s.now.n >= s.limit {
			s.old, s.now = s.now, idSet{}
		}
	}
}

// idSet is a hash set with open addressing. Ids are random or hashed already.
type idSet struct {
	slots [][16]byte
	n     int
}

func (s *idSet) find(id [16]byte) (int, bool) {
	mask := uint64(len(s.slots) - 1)
	// Ids may differ in a few bits only: all of them must reach the low ones.
	h := (binary.LittleEndian.Uint64(id[:8]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(id[8:]), 29)) * 0x9e3779b97f4a7c15
	h = (h ^ h>>32) * 0xd6e8feb86659fd93
	for i := (h ^ h>>32) & mask; ; i = (i + 1) & mask {
		if s.slots[i] == id {
			return int(i), true
		}
		if s.slots[i] == ([16]byte{}) {
			return int(i), false
		}
	}
}

func (s *idSet) has(id [16]byte) bool {
	if s.n == 0 {
		return false
	}
	_, ok := s.find(id)
	return ok
}

// add reports whether the id is new.
func (s *idSet) add(id [16]byte) bool {
	if 2*s.n >= len(s.slots) {
		old := s.slots
		s.slots = make([][16]byte, max(1<<10, 2*len(old)))
		for _, o := range old {
			if o != ([16]byte{}) {
				i, _ := s.find(o)
				s.slots[i] = o
			}
		}
	}
	i, ok := s.find(id)
	if ok {
		return false
	}
	s.slots[i] = id
	s.n++
	return true
}
