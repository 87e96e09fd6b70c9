package agg

import (
	"encoding/binary"
	"math/big"

	"bluetrail/internal/vector"
)

// exactSum adds numbers without rounding, as an expansion of parts that do not
// overlap (Shewchuk, "Adaptive Precision Floating-Point Arithmetic", 1997). So
// the sum is the same in whatever order rows come and workers are merged.
type exactSum struct {
	parts   []float64 // in increasing magnitude; seldom more than two
	special float64   // the sum of infinities and what is no number
}

func (s *exactSum) add(x float64) {
	if x-x != 0 {
		s.special += x
		return
	}
	n := 0
	for _, y := range s.parts {
		sum, rest := twoSum(x, y)
		if sum-sum != 0 { // overflow
			s.special += sum
			s.parts = s.parts[:0]
			return
		}
		if rest != 0 {
			s.parts[n] = rest
			n++
		}
		x = sum
	}
	s.parts = append(s.parts[:n], x)
}

func (s *exactSum) merge(o *exactSum) {
	for _, x := range o.parts {
		s.add(x)
	}
	s.special += o.special
}

// marshal appends the parts, and the special number where there is one.
func (s *exactSum) marshal(dst []byte) []byte {
	head := uint64(len(s.parts)) << 1
	if s.special != 0 {
		head |= 1
	}
	dst = binary.AppendUvarint(dst, head)
	for _, x := range s.parts {
		dst = vector.AppendFloat(dst, x)
	}
	if s.special != 0 {
		dst = vector.AppendFloat(dst, s.special)
	}
	return dst
}

// unmarshal adds the parts one by one, so that they do not overlap whatever the
// bytes are.
func (s *exactSum) unmarshal(d *vector.Decoder) {
	head := d.Count(d.Len() / 4) // twice the number of parts of 8 bytes, and a bit
	if head>>1 > d.Len()/8 {
		d.Fail()
		return
	}
	for range head >> 1 {
		s.add(d.Float())
	}
	if head&1 != 0 {
		s.special += d.Float()
	}
}

// value returns the sum as the nearest float64, and what that leaves out.
func (s *exactSum) value() (sum, rest float64) {
	switch {
	case s.special != 0:
		return s.special, 0
	case len(s.parts) == 0:
		return 0, 0
	case len(s.parts) == 1:
		return s.parts[0], 0
	case len(s.parts) == 2:
		return twoSum(s.parts[1], s.parts[0])
	}
	whole := new(big.Float).SetPrec(exactBits)
	for _, x := range s.parts {
		whole.Add(whole, big.NewFloat(x))
	}
	sum, _ = whole.Float64()
	rest, _ = whole.Sub(whole, big.NewFloat(sum)).Float64()
	return sum, rest
}

// exactBits span every bit that a finite float64 can have.
const exactBits = 2200

// twoSum returns the rounded sum of a and b, and the error of the rounding.
func twoSum(a, b float64) (sum, rest float64) {
	sum = a + b
	part := sum - a
	return sum, (a - (sum - part)) + (b - part)
}
