package fn

import (
	"math"
	"strconv"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(mathematical, "round", "round(<number> [, <decimals>])", "The number rounded to that many decimals, halves away from zero.", 1, 2, round, "round(2.555, 2)", `"2.56"`)
	batched("round", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		if len(call.Args) > 1 {
			return expr.Kernel{}
		}
		return expr.NumEach(c.Kernel(call.Args[0]), math.Round)
	})
	checked(numbers(), "round")
}

func round(a []vector.Value) vector.Value {
	x, ok := a[0].Num()
	if !ok {
		return null
	}
	if len(a) == 1 {
		return vector.Float(math.Round(x))
	}
	n, ok := integer(a[1])
	if !ok || math.IsInf(x, 0) {
		return null
	}
	n = max(-300, min(n, 17))
	if n <= 0 {
		p := math.Pow(10, float64(-n))
		return vector.Float(math.Round(x/p) * p)
	}
	// Round halves by the decimal text, not by the binary fraction.
	s := strconv.FormatFloat(x, 'f', -1, 64)
	f, err := strconv.ParseFloat(halfAway(s, n), 64)
	if err != nil {
		return null
	}
	return vector.Formatted(f, strconv.FormatFloat(f, 'f', n, 64))
}

// halfAway rounds a decimal text to n places, with halves away from zero.
func halfAway(s string, n int) string {
	point := -1
	for i := range len(s) {
		if s[i] == '.' {
			point = i
		}
	}
	if point < 0 || len(s)-point-1 <= n {
		return s
	}
	cut := point + 1 + n
	up := s[cut] >= '5'
	digits := []byte(s[:cut])
	for i := len(digits) - 1; up && i >= 0; i-- {
		switch c := digits[i]; {
		case c == '.':
		case c == '-':
			return "-1" + string(digits[1:])
		case c == '9':
			digits[i] = '0'
		default:
			digits[i]++
			up = false
		}
	}
	if up {
		return "1" + string(digits)
	}
	return string(digits)
}
