package ingest

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// idTable is a set of ids in one piece of memory: 16 bytes for each slot, at
// most three quarters of them in use.
type idTable struct {
	slots []recordID // an id of zeros is an empty slot
	n     int
	zero  bool // the id of zeros is in the set
}

// recordID tells a record from all others.
type recordID = [16]byte

// seed keeps those who choose eventIDs from choosing slots.
var seed = rand.Uint64() | 1

// add puts id into the set; it returns false when it is there already.
func (t *idTable) add(id recordID) bool {
	if id == (recordID{}) {
		was := t.zero
		t.zero = true
		return !was
	}
	if 4*(t.n+1) > 3*len(t.slots) {
		t.grow()
	}
	i := t.find(id)
	if t.slots[i] == id {
		return false
	}
	t.slots[i] = id
	t.n++
	return true
}

// find returns the slot of id, or the empty one where it belongs.
func (t *idTable) find(id recordID) int {
	mask := len(t.slots) - 1
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^seed, binary.LittleEndian.Uint64(id[8:])|1)
	i := int(hi^lo) & mask
	for t.slots[i] != (recordID{}) && t.slots[i] != id {
		i = (i + 1) & mask
	}
	return i
}

func (t *idTable) grow() {
	old := t.slots
	t.slots = make([]recordID, max(64, 2*len(old)))
	for _, id := range old {
		if id != (recordID{}) {
			t.slots[t.find(id)] = id
		}
	}
}

// size returns how many ids there is room for.
func (t *idTable) size() int { return len(t.slots) }
