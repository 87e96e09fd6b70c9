package fn

import (
	"math"

	"bluetrail/internal/vector"
)

func init() {
	bits("bit_and", "Bitwise AND of all numbers.", func(x, y uint64) uint64 { return x & y }, "bit_and(15, 7, 3)", `"3"`)
	bits("bit_or", "Bitwise OR of all numbers.", func(x, y uint64) uint64 { return x | y }, "bit_or(8, 4)", `"12"`)
	bits("bit_xor", "Bitwise exclusive OR of the numbers.", func(x, y uint64) uint64 { return x ^ y }, "bit_xor(15, 3)", `"12"`)
	function(bitwise, "bit_not", "bit_not(<number> [, <mask>])", "The number with its bits inverted, within the mask (default 2^53-1).", 1, 2, bitNot, "bit_not(5, 7)", `"2"`)
	shift("bit_shift_left", "The number with its bits shifted left.", func(x uint64, n int) uint64 { return x << n }, "bit_shift_left(3, 2)", `"12"`)
	shift("bit_shift_right", "The number with its bits shifted right.", func(x uint64, n int) uint64 { return x >> n }, "bit_shift_right(12, 2)", `"3"`)
	checked(numbers(), "bit_and", "bit_or", "bit_xor", "bit_not", "bit_shift_left", "bit_shift_right")
}

// bits registers a function that folds integers bitwise.
func bits(name, doc string, op func(x, y uint64) uint64, expr, want string) {
	function(bitwise, name, name+"(<number>, <number>, …)", doc+" Whole numbers from 0 to 2^53-1.", 2, -1, func(a []vector.Value) vector.Value {
		acc, ok := natural(a[0])
		for _, v := range a[1:] {
			n, isInt := natural(v)
			acc, ok = op(acc, n), ok && isInt
		}
		if !ok {
			return null
		}
		return vector.Float(float64(acc))
	}, expr, want)
}

// shift registers a bit shift. Shifts of more than 63 places return null.
func shift(name, doc string, op func(x uint64, n int) uint64, expr, want string) {
	function(bitwise, name, name+"(<number>, <places>)", doc, 2, 2, func(a []vector.Value) vector.Value {
		x, okx := natural(a[0])
		n, okn := natural(a[1])
		if !okx || !okn || n > 63 {
			return null
		}
		return vector.Float(float64(op(x, int(n)) & most))
	}, expr, want)
}

const most = 1<<53 - 1

func natural(v vector.Value) (uint64, bool) {
	f, ok := v.Num()
	if !ok || f < 0 || f > most || f != math.Trunc(f) {
		return 0, false
	}
	return uint64(f), true
}

func bitNot(a []vector.Value) vector.Value {
	x, ok := natural(a[0])
	mask := uint64(most)
	if len(a) == 2 {
		m, isInt := natural(a[1])
		mask, ok = m, ok && isInt
	}
	if !ok {
		return null
	}
	return vector.Float(float64(^x & mask))
}
