package netpack

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

func v4(n uint32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], n)
	return netip.AddrFrom4(b)
}

func v6(n uint64, last bool) netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], n)
	if last {
		binary.BigEndian.PutUint64(b[8:], ^uint64(0))
	}
	return netip.AddrFrom16(b)
}

// TestAgainstList compares tables of random ranges, which overlap, with a search through
// all of them, before and after packing.
func TestAgainstList(t *testing.T) {
	g := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		holders := make([]Holder, 5)
		for i := range holders {
			holders[i] = Holder{uint32(10 * (i + 1)), string(rune('a' + i))}
		}
		six := round%2 == 1
		// A small space at the beginning and at the end of all addresses.
		base := uint64(0)
		if round%4 >= 2 {
			base = 1<<32 - 64
			if six {
				base = ^uint64(0) - 63
			}
		}
		addr := func(n uint64, last bool) netip.Addr {
			if six {
				return v6(base+n, last)
			}
			return v4(uint32(base + n))
		}
		type span struct{ first, last, owner int }
		var spans []span
		var ranges []Range
		for range g.IntN(8) {
			s := span{first: g.IntN(64), owner: g.IntN(5)}
			s.last = s.first + g.IntN(64-s.first)
			spans = append(spans, s)
			ranges = append(ranges, Range{addr(uint64(s.first), false), addr(uint64(s.last), true), s.owner})
		}
		table, skipped := New(holders, ranges)
		if skipped != 0 {
			t.Fatalf("%d ranges were left out", skipped)
		}
		built := time.Date(2026, 6, 17, 0, 0, 0, 0, time.UTC)
		packed := table.Pack(built)
		again, when, err := Unpack(packed)
		if err != nil || !when.Equal(built) {
			t.Fatal(when, err)
		}
		if !bytes.Equal(again.Pack(built), packed) {
			t.Fatal("packing again gives something else")
		}
		for n := range 64 {
			// The range that wins begins last; of several, the smallest; of equal ones, the last given.
			want, found := span{first: -1}, false
			for _, s := range spans {
				if s.first <= n && n <= s.last && (s.first > want.first || s.first == want.first && s.last <= want.last) {
					want, found = s, true
				}
			}
			for _, tab := range []*Table{table, again} {
				got, ok := tab.Lookup(addr(uint64(n), g.IntN(2) == 0))
				if ok != found || ok && tab.Holder(got) != holders[want.owner] {
					t.Fatalf("round %d, %d of %+v: %d %v, want %+v %v", round, n, spans, got, ok, want, found)
				}
			}
		}
	}
}

func TestSkipped(t *testing.T) {
	a := netip.MustParseAddr
	_, skipped := New([]Holder{{1, "a"}}, []Range{
		{a("1.2.3.4"), a("1.2.3.3"), 0},
		{a("1.2.3.4"), a("2001:db8::"), 0},
		{a("2001:db8::"), a("2001:db8::ff"), 0},
	})
	if skipped != 3 {
		t.Errorf("%d", skipped)
	}
}

// FuzzUnpack: damaged tables are refused, and what is accepted can be asked.
func FuzzUnpack(f *testing.F) {
	table, _ := New([]Holder{{7, "seven"}, {9, "nine"}}, []Range{{v4(5), v4(9), 0}, {v4(7), v4(7), 1}, {v6(3, false), v6(4, true), 1}})
	packed := table.Pack(time.Unix(1, 0))
	f.Add(packed)
	for i := range len(packed) {
		bad := bytes.Clone(packed)
		bad[i] ^= 0x81
		f.Add(bad)
		f.Add(packed[:i])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		table, _, err := Unpack(data)
		if err != nil {
			return
		}
		for _, a := range []netip.Addr{v4(0), v4(7), v4(1<<32 - 1), v6(0, false), v6(3, false), v6(^uint64(0), true)} {
			if i, ok := table.Lookup(a); ok {
				table.Holder(i)
			}
		}
	})
}
