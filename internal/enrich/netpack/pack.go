package netpack

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
	"unsafe"
)

// The packed form is columns of varints, which compress well: the date; the holders by
// number, as differences, lengths of names and names; and for each family the lengths of
// its segments and their owners, 0 for nobody. The last segment reaches to the end.

const magic = "bluetrail networks 1\n"

// maxItems bounds the numbers of a packed table.
const maxItems = 8 << 20

// Pack returns the table in packed form. Its holders must be in ascending order of their
// numbers.
func (t *Table) Pack(built time.Time) []byte {
	out := []byte(magic)
	out = binary.AppendUvarint(out, uint64(built.Unix()))
	out = binary.AppendUvarint(out, uint64(len(t.holders)))
	last := uint32(0)
	for _, h := range t.holders {
		out = binary.AppendUvarint(out, uint64(h.ASN-last))
		last = h.ASN
	}
	for _, h := range t.holders {
		out = binary.AppendUvarint(out, uint64(len(h.Name)))
	}
	for _, h := range t.holders {
		out = append(out, h.Name...)
	}
	out = packSegments(out, &t.v4)
	return packSegments(out, &t.v6)
}

func packSegments[T uint32 | uint64](out []byte, s *segments[T]) []byte {
	out = binary.AppendUvarint(out, uint64(len(s.starts)))
	for i, start := range s.starts {
		before := T(0)
		if i > 0 {
			before = s.starts[i-1]
		}
		out = appendStep(out, uint64(start-before))
	}
	for _, owner := range s.owners {
		out = binary.AppendUvarint(out, uint64(owner+1))
	}
	return out
}

// appendStep writes a distance: nearly all are powers of two.
func appendStep(out []byte, n uint64) []byte {
	if bits.OnesCount64(n) == 1 {
		return append(out, byte(bits.TrailingZeros64(n)))
	}
	return binary.AppendUvarint(append(out, 64), n)
}

var errPacked = errors.New("the packed networks are damaged")

// Unpack reads a packed table.
func Unpack(data []byte) (t *Table, built time.Time, err error) {
	if !strings.HasPrefix(string(data[:min(len(data), len(magic))]), magic) {
		return nil, built, errPacked
	}
	r := &reader{data: data[len(magic):]}
	built = time.Unix(int64(r.uvarint()), 0).UTC()
	t = &Table{holders: make([]Holder, r.count())}
	number := uint64(0)
	for i := range t.holders {
		number += r.uvarint()
		t.holders[i].ASN = uint32(number)
	}
	lengths := make([]int, len(t.holders))
	total := 0
	for i := range lengths {
		lengths[i] = r.count()
		total += lengths[i]
	}
	if r.bad || total > len(r.data) {
		return nil, built, errPacked
	}
	names := unsafe.String(unsafe.SliceData(r.data), total) // data is never written to
	r.data = r.data[total:]
	for i, n := range lengths {
		t.holders[i].Name, names = names[:n], names[n:]
	}
	t.v4 = unpackSegments[uint32](r, len(t.holders))
	t.v6 = unpackSegments[uint64](r, len(t.holders))
	if r.bad || len(r.data) > 0 {
		return nil, built, errPacked
	}
	t.index()
	return t, built, nil
}

func unpackSegments[T uint32 | uint64](r *reader, holders int) segments[T] {
	n := r.count()
	s := segments[T]{make([]T, n), make([]int32, n)}
	at := uint64(0)
	for i := range s.starts {
		step := r.step()
		if step == 0 && i > 0 || uint64(T(at+step)) < at || uint64(T(at+step)) != at+step {
			r.bad = true
			break
		}
		at += step
		s.starts[i] = T(at)
	}
	for i := range s.owners {
		owner := r.uvarint()
		r.bad = r.bad || owner > uint64(holders)
		s.owners[i] = int32(owner) - 1
	}
	return s
}

// reader reads varints. After the first fault all are 0.
type reader struct {
	data []byte
	bad  bool
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || r.bad {
		r.bad = true
		return 0
	}
	r.data = r.data[n:]
	return v
}

// count reads the number of things of which each takes a byte at least.
func (r *reader) count() int {
	n := r.uvarint()
	if n > maxItems || n > uint64(len(r.data)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) step() uint64 {
	if len(r.data) == 0 {
		r.bad = true
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	switch {
	case b < 64:
		return 1 << b
	case b == 64:
		return r.uvarint()
	}
	r.bad = true
	return 0
}

// Collect returns the holders in ascending order of their numbers, and the ranges with
// positions among them instead of numbers.
func Collect(names map[uint32]string, ranges []Range) ([]Holder, []Range, error) {
	holders := make([]Holder, 0, len(names))
	for asn, name := range names {
		holders = append(holders, Holder{asn, name})
	}
	slices.SortFunc(holders, func(a, b Holder) int { return int(int64(a.ASN) - int64(b.ASN)) })
	places := make(map[uint32]int, len(holders))
	for i, h := range holders {
		places[h.ASN] = i
	}
	out := slices.Clone(ranges)
	for i, r := range out {
		place, ok := places[uint32(r.Holder)]
		if !ok {
			return nil, nil, fmt.Errorf("AS %d has no name", r.Holder)
		}
		out[i].Holder = place
	}
	return holders, out, nil
}
