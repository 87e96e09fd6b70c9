package actor

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// entry is what an actor did with one thing: a call, a service, a network. Times are unix
// seconds.
type entry struct {
	key   uint64
	first int64
	last  int64
	calls int64
	flags uint8
}

// readFlag marks entries of calls that only read.
const readFlag = 1

// table keeps entries by the hash of a thing. Beyond its limit, it keeps those with the
// smallest hashes: any order and split of the same input gives the same entries, each
// of them complete, and they are a fair sample of all.
type table struct {
	list []entry // by key
	full bool    // some were left out
}

func (t *table) add(e *entry, limit int) {
	if n := len(t.list); n == limit && e.key > t.list[n-1].key {
		t.full = true
		return
	}
	i, found := t.place(e.key)
	if found {
		x := &t.list[i]
		x.first, x.last = min(x.first, e.first), max(x.last, e.last)
		x.calls += e.calls
		x.flags |= e.flags
		return
	}
	if len(t.list) == limit {
		t.full = true
		t.list = t.list[:limit-1]
	}
	t.list = slices.Insert(t.list, i, *e)
}

// place returns where the entry of a key is or would be.
func (t *table) place(key uint64) (i int, found bool) {
	from, to := 0, len(t.list)
	for from < to {
		if m := int(uint(from+to) >> 1); t.list[m].key < key {
			from = m + 1
		} else {
			to = m
		}
	}
	return from, from < len(t.list) && t.list[from].key == key
}

func (t *table) merge(o *table, limit int) {
	for i := range o.list {
		t.add(&o.list[i], limit)
	}
	t.full = t.full || o.full
}

// find returns the entry of a key, nil if there is none. sure says whether there would be
// one if the thing had occurred.
func (t *table) find(key uint64) (e *entry, sure bool) {
	i, found := t.place(key)
	if found {
		return &t.list[i], true
	}
	return nil, !t.full || i < len(t.list)
}

// size returns how many different things there were, an estimate if the table is full.
func (t *table) size() int {
	if !t.full || len(t.list) == 0 {
		return len(t.list)
	}
	share := float64(t.list[len(t.list)-1].key) / math.MaxUint64
	return int(float64(len(t.list)-1) / max(share, 1e-9))
}

// rush returns how many different things occurred for the first time within one span of
// seconds, the most of all such spans.
func (t *table) rush(span int64, count func(*entry) bool) int {
	times := make([]int64, 0, len(t.list))
	for i := range t.list {
		if count(&t.list[i]) {
			times = append(times, t.list[i].first)
		}
	}
	slices.Sort(times)
	most, from := 0, 0
	for i := range times {
		for times[i]-times[from] > span {
			from++
		}
		most = max(most, i-from+1)
	}
	if len(t.list) > 0 {
		most = most * t.size() / len(t.list)
	}
	return most
}

func (t *table) append(b []byte) []byte {
	n := uint64(len(t.list)) << 1
	if t.full {
		n |= 1
	}
	b = binary.AppendUvarint(b, n)
	for i := range t.list {
		e := &t.list[i]
		b = binary.BigEndian.AppendUint64(b, e.key)
		b = append(b, e.flags)
		b = binary.AppendVarint(b, e.first)
		b = binary.AppendVarint(b, e.last-e.first)
		b = binary.AppendVarint(b, e.calls)
	}
	return b
}

// hash is the key of a text in a table, the same in all processes.
func hash(s string) uint64 { return xxhash.Sum64String(s) }

// mix is the key of a number, by the finalizer of SplitMix64.
func mix(n int64) uint64 {
	z := uint64(n) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

var errDamaged = errors.New("the encoded evidence is damaged")

// decoder takes an encoding apart. After a fault it returns zeros.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) fail() { d.b, d.bad = nil, true }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.fail()
		return ""
	}
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) table(t *table, limit int) {
	n := d.uvarint()
	t.full = n&1 != 0
	n >>= 1
	if n > uint64(limit) {
		d.fail()
		return
	}
	t.list = make([]entry, 0, n)
	for range n {
		if len(d.b) < 9 {
			d.fail()
			return
		}
		e := entry{key: binary.BigEndian.Uint64(d.b), flags: d.b[8]}
		d.b = d.b[9:]
		e.first = d.varint()
		e.last = e.first + d.varint()
		e.calls = d.varint()
		if len(t.list) > 0 && t.list[len(t.list)-1].key >= e.key {
			d.fail()
			return
		}
		t.list = append(t.list, e)
	}
}
