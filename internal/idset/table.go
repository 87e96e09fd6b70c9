package idset

import (
	"math/bits"
	"math/rand/v2"
	"slices"
)

// table is a hash set with open addressing in one allocation, at most three
// quarters full. An entry takes 16 bytes.
type table struct {
	slots []slot // zero = empty
	n     int
	zero  bool // the all-zero id is in the set
}

type slot struct{ hi, lo uint64 }

const slotSize = 16

// seed prevents attackers who choose ids from choosing slots.
var seed = rand.Uint64() | 1

func (t *table) find(s slot) int {
	mask := len(t.slots) - 1
	hi, lo := bits.Mul64(s.hi^seed, s.lo|1)
	i := int(hi^lo) & mask
	for t.slots[i] != s && t.slots[i] != (slot{}) {
		i = (i + 1) & mask
	}
	return i
}

// add adds an id to the set; it returns false if the id is already there.
func (t *table) add(s slot) bool {
	if s == (slot{}) {
		was := t.zero
		t.zero = true
		if !was {
			t.n++
		}
		return !was
	}
	if 4*(t.n+1) > 3*len(t.slots) {
		t.grow(2 * len(t.slots))
	}
	i := t.find(s)
	if t.slots[i] == s {
		return false
	}
	t.slots[i] = s
	t.n++
	return true
}

func (t *table) has(s slot) bool {
	switch {
	case s == (slot{}):
		return t.zero
	case len(t.slots) == 0:
		return false
	}
	return t.slots[t.find(s)] == s
}

// grow makes room for at least so many slots.
func (t *table) grow(size int) {
	old := t.slots
	t.slots = make([]slot, max(16, 1<<bits.Len(uint(max(size, 1)-1)))) // a power of two
	for _, s := range old {
		if s != (slot{}) {
			t.slots[t.find(s)] = s
		}
	}
}

func (t *table) bytes() int { return slotSize * len(t.slots) }

// drain returns the ids in order and empties the table. The result shares the
// table's memory and is valid until the next add.
func (t *table) drain() []slot {
	list := slices.DeleteFunc(t.slots, func(s slot) bool { return s == (slot{}) })
	if t.zero {
		list = append(list, slot{}) // a quarter of the slots is free
	}
	slices.SortFunc(list, func(a, b slot) int { return entry{hi: a.hi, lo: a.lo}.compare(entry{hi: b.hi, lo: b.lo}) })
	t.n, t.zero = 0, false
	return list
}

// clear empties the table after drain and keeps its memory.
func (t *table) clear() {
	clear(t.slots)
	t.n, t.zero = 0, false
}
