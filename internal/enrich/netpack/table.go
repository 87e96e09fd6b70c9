// Package netpack holds which autonomous system announces an address: a table in memory,
// and the compact form in which bluetrail ships one.
package netpack

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"sort"
)

// Range is a range of addresses, both ends included and of one family.
type Range struct {
	First, Last netip.Addr
	Holder      int // position among the holders
}

// Holder is an autonomous system.
type Holder struct {
	ASN  uint32
	Name string
}

// Table finds the holder of an address. It is constant. An IPv6 address is told by its
// first 64 bits.
type Table struct {
	holders []Holder
	v4      segments[uint32]
	v6      segments[uint64]
	top     []uint32 // for the first 16 bits of an IPv4 address, where its segments begin
}

// segments cut an address space: each reaches to the start of the next.
type segments[T cmp.Ordered] struct {
	starts []T
	owners []int32 // position among the holders, none = nobody
}

const none = -1

// New returns a table of ranges. Of overlapping ranges, the one that begins later wins,
// and of those that begin together the smaller one, so that a network within another has
// the addresses that it names. IPv6 ranges must begin and end on multiples of 64 bits;
// others are left out and counted.
func New(holders []Holder, ranges []Range) (t *Table, skipped int) {
	t = &Table{holders: holders}
	var v4 []span[uint32]
	var v6 []span[uint64]
	for _, r := range ranges {
		first, last := r.First.Unmap(), r.Last.Unmap()
		switch {
		case first.Is4() && last.Is4() && first.Compare(last) <= 0:
			v4 = append(v4, span[uint32]{low(first), low(last), int32(r.Holder)})
		case first.Is6() && last.Is6() && first.Compare(last) <= 0 && rest(first) == 0 && rest(last) == ^uint64(0):
			v6 = append(v6, span[uint64]{high(first), high(last), int32(r.Holder)})
		default:
			skipped++
		}
	}
	t.v4, t.v6 = cut(v4), cut(v6)
	t.index()
	return t, skipped
}

// index makes lookups of IPv4 addresses begin near the end.
func (t *Table) index() {
	t.top = make([]uint32, 1<<16+1)
	at := 0
	for i := range 1 << 16 {
		for at < len(t.v4.starts) && t.v4.starts[at] <= uint32(i)<<16 {
			at++
		}
		t.top[i] = uint32(max(0, at-1))
	}
	t.top[1<<16] = uint32(len(t.v4.starts))
}

func low(a netip.Addr) uint32 {
	b := a.As4()
	return binary.BigEndian.Uint32(b[:])
}

func high(a netip.Addr) uint64 {
	b := a.As16()
	return binary.BigEndian.Uint64(b[:8])
}

func rest(a netip.Addr) uint64 {
	b := a.As16()
	return binary.BigEndian.Uint64(b[8:])
}

type span[T cmp.Ordered] struct {
	first, last T
	owner       int32
}

// cut lays spans over each other.
func cut[T uint32 | uint64](spans []span[T]) segments[T] {
	slices.SortStableFunc(spans, func(a, b span[T]) int { return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(b.last, a.last)) })
	var s segments[T]
	var open []span[T] // enclosing ones below those within them
	add := func(start T, owner int32) {
		if n := len(s.starts); n > 0 && s.starts[n-1] == start {
			s.starts, s.owners = s.starts[:n-1], s.owners[:n-1]
		}
		if n := len(s.owners); n > 0 && s.owners[n-1] == owner || n == 0 && owner == none {
			return
		}
		s.starts, s.owners = append(s.starts, start), append(s.owners, owner)
	}
	// closeTo ends the open spans that end before limit.
	closeTo := func(limit T, all bool) {
		for len(open) > 0 {
			top := open[len(open)-1]
			if !all && top.last >= limit {
				return
			}
			open = open[:len(open)-1]
			// What reaches beyond it goes on.
			for len(open) > 0 && open[len(open)-1].last <= top.last {
				open = open[:len(open)-1]
			}
			if top.last == ^T(0) {
				continue // nothing lies behind it
			}
			if len(open) > 0 {
				add(top.last+1, open[len(open)-1].owner)
			} else {
				add(top.last+1, none)
			}
		}
	}
	for _, sp := range spans {
		closeTo(sp.first, false)
		add(sp.first, sp.owner)
		open = append(open, sp)
	}
	closeTo(0, true)
	return segments[T]{slices.Clip(s.starts), slices.Clip(s.owners)}
}

// Lookup returns the holder of an address. ok is false if nobody is known to announce it.
// holder is its position, below Len.
func (t *Table) Lookup(a netip.Addr) (holder int, ok bool) {
	a = a.Unmap()
	owner := int32(none)
	switch {
	case a.Is4():
		key := low(a)
		from, to := t.top[key>>16], t.top[key>>16+1]+1
		owner = t.v4.owner(key, int(from), min(int(to), len(t.v4.starts)))
	case a.Is6():
		owner = t.v6.owner(high(a), 0, len(t.v6.starts))
	}
	return int(owner), owner != none
}

// owner looks among the segments from and before to, which begin at or before the key's.
func (s *segments[T]) owner(key T, from, to int) int32 {
	n := from + sort.Search(to-from, func(i int) bool { return s.starts[from+i] > key })
	if n == 0 {
		return none
	}
	return s.owners[n-1]
}

// Holder returns the holder at a position.
func (t *Table) Holder(i int) Holder { return t.holders[i] }

// Len returns the number of holders.
func (t *Table) Len() int { return len(t.holders) }

// Size returns how many segments the table has.
func (t *Table) Size() (v4, v6 int) { return len(t.v4.starts), len(t.v6.starts) }
