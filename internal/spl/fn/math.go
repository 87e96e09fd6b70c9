package fn

import (
	"math"
	"math/rand/v2"
	"strconv"

	"bluetrail/internal/vector"
)

const (
	mathematical = "Mathematical"
	trigonometry = "Trigonometry and hyperbolic"
	bitwise      = "Bitwise"
	statistical  = "Statistical eval"
)

func init() {
	one := func(group, name, doc string, f func(float64) float64, expr, want string, aliases ...string) {
		function(group, name, name+"(<number>)", doc, 1, 1, number(f), expr, want, aliases...)
	}
	one(mathematical, "abs", "The number without its sign.", math.Abs, "abs(-5)", `"5"`)
	one(mathematical, "ceiling", "The least whole number that is not smaller.", math.Ceil, "ceiling(1.2)", `"2"`, "ceil")
	one(mathematical, "floor", "The greatest whole number that is not larger.", math.Floor, "floor(1.8)", `"1"`)
	one(mathematical, "exp", "e to the power of the number.", math.Exp, "exp(0)", `"1"`)
	one(mathematical, "ln", "The natural logarithm; null where there is none.", positive(math.Log), "ln(1)", `"0"`)
	one(mathematical, "sqrt", "The square root; null for negative numbers.", math.Sqrt, "sqrt(9)", `"3"`)
	function(mathematical, "log", "log(<number> [, <base>])", "The logarithm, to the base 10 unless another is given.", 1, 2, logarithm, "log(8, 2)", `"3"`)
	function(mathematical, "pow", "pow(<number>, <exponent>)", "The number to the power of the exponent.", 2, 2, two(math.Pow), "pow(2, 10)", `"1024"`)
	function(mathematical, "pi", "pi()", "The number pi.", 0, 0, func([]vector.Value) vector.Value { return vector.Float(math.Pi) }, "round(pi(), 4)", `"3.1416"`)
	function(mathematical, "round", "round(<number> [, <decimals>])", "The number rounded, halves away from zero, with that many decimals.", 1, 2, round, "round(2.555, 2)", `"2.56"`)
	function(mathematical, "exact", "exact(<number>)", "The number without the rounding to significant digits that products of decimals get.", 1, 1, func(a []vector.Value) vector.Value {
		f, ok := a[0].Num()
		if !ok {
			return null
		}
		return vector.Exact(f)
	}, "8.250 * exact(0.2)", `"1.650"`)
	function(mathematical, "sigfig", "sigfig(<number>)", "The number rounded to the significant digits of what it was computed from.", 1, 1, sigfig, "sigfig(1.00*1111)", `"1110"`)
	function(mathematical, "sum", "sum(<number>, …)", "The sum of the numbers among the values.", 1, -1, func(a []vector.Value) vector.Value {
		total := 0.0
		eachNumber(a, func(f float64) { total += f })
		return vector.Float(total)
	}, `sum("1", 2, 3)`, `"6"`)

	one(trigonometry, "acos", "The angle, in radians, whose cosine this is.", math.Acos, "acos(1)", `"0"`)
	one(trigonometry, "acosh", "The inverse hyperbolic cosine.", math.Acosh, "acosh(1)", `"0"`)
	one(trigonometry, "asin", "The angle, in radians, whose sine this is.", math.Asin, "asin(0)", `"0"`)
	one(trigonometry, "asinh", "The inverse hyperbolic sine.", math.Asinh, "asinh(0)", `"0"`)
	one(trigonometry, "atan", "The angle, in radians, whose tangent this is.", math.Atan, "atan(0)", `"0"`)
	one(trigonometry, "atanh", "The inverse hyperbolic tangent.", math.Atanh, "atanh(0)", `"0"`)
	one(trigonometry, "cos", "The cosine of an angle in radians.", math.Cos, "cos(0)", `"1"`)
	one(trigonometry, "cosh", "The hyperbolic cosine.", math.Cosh, "cosh(0)", `"1"`)
	one(trigonometry, "sin", "The sine of an angle in radians.", math.Sin, "sin(0)", `"0"`)
	one(trigonometry, "sinh", "The hyperbolic sine.", math.Sinh, "sinh(0)", `"0"`)
	one(trigonometry, "tan", "The tangent of an angle in radians.", math.Tan, "tan(0)", `"0"`)
	one(trigonometry, "tanh", "The hyperbolic tangent.", math.Tanh, "tanh(0)", `"0"`)
	function(trigonometry, "atan2", "atan2(<y>, <x>)", "The angle of the point (x, y) in radians.", 2, 2, two(math.Atan2), "atan2(0, 1)", `"0"`)
	function(trigonometry, "hypot", "hypot(<x>, <y>)", "The length of the long side of a right triangle.", 2, 2, two(math.Hypot), "hypot(3, 4)", `"5"`)

	bits := func(name, doc string, op func(x, y uint64) uint64, expr, want string) {
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
	bits("bit_and", "The bits that all numbers have.", func(x, y uint64) uint64 { return x & y }, "bit_and(15, 7, 3)", `"3"`)
	bits("bit_or", "The bits that any number has.", func(x, y uint64) uint64 { return x | y }, "bit_or(8, 4)", `"12"`)
	bits("bit_xor", "The bits in which the numbers differ.", func(x, y uint64) uint64 { return x ^ y }, "bit_xor(15, 3)", `"12"`)
	function(bitwise, "bit_not", "bit_not(<number> [, <mask>])", "The number with its bits turned, within the mask (2^53-1).", 1, 2, bitNot, "bit_not(5, 7)", `"2"`)
	shift := func(name, doc string, op func(x uint64, n int) uint64, expr, want string) {
		function(bitwise, name, name+"(<number>, <places>)", doc, 2, 2, func(a []vector.Value) vector.Value {
			x, okx := natural(a[0])
			n, okn := natural(a[1])
			if !okx || !okn || n > 63 {
				return null
			}
			return vector.Float(float64(op(x, int(n)) & most))
		}, expr, want)
	}
	shift("bit_shift_left", "The number with its bits moved up.", func(x uint64, n int) uint64 { return x << n }, "bit_shift_left(3, 2)", `"12"`)
	shift("bit_shift_right", "The number with its bits moved down.", func(x uint64, n int) uint64 { return x >> n }, "bit_shift_right(12, 2)", `"3"`)

	function(statistical, "max", "max(<value>, …)", "The greatest value; any text is greater than any number.", 1, -1, func(a []vector.Value) vector.Value { return extreme(a, 1) }, `max(1, 7, "foo")`, `"foo"`)
	function(statistical, "min", "min(<value>, …)", "The least value; any number is less than any text.", 1, -1, func(a []vector.Value) vector.Value { return extreme(a, -1) }, `min(3, 1, "foo")`, `"1"`)
	function(statistical, "avg", "avg(<number>, …)", "The mean of the numbers among the values.", 1, -1, func(a []vector.Value) vector.Value {
		total, n := 0.0, 0.0
		eachNumber(a, func(f float64) { total += f; n++ })
		return float(total / n)
	}, `avg(1, 2, "6")`, `"3"`)
	varying(statistical, "random", "A whole number from 0 to 2147483647, another for every row.", func() vector.Value {
		return vector.Float(float64(rand.Int32()))
	}, `if(random() >= 0, 1, 2)`, `"1"`)
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

func positive(f func(float64) float64) func(float64) float64 {
	return func(x float64) float64 {
		if x <= 0 {
			return math.NaN()
		}
		return f(x)
	}
}

func two(f func(x, y float64) float64) func(a []vector.Value) vector.Value {
	return func(a []vector.Value) vector.Value {
		x, okx := a[0].Num()
		y, oky := a[1].Num()
		if !okx || !oky {
			return null
		}
		return float(f(x, y))
	}
}

func logarithm(a []vector.Value) vector.Value {
	x, ok := a[0].Num()
	if !ok || x <= 0 {
		return null
	}
	if len(a) == 1 {
		return float(math.Log10(x))
	}
	base, ok := a[1].Num()
	switch {
	case !ok || base <= 0 || base == 1:
		return null
	case base == 2:
		return float(math.Log2(x))
	case base == 10:
		return float(math.Log10(x))
	}
	return float(math.Log(x) / math.Log(base))
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
	// The decimal text decides where the half lies, not the binary fraction.
	s := strconv.FormatFloat(x, 'f', -1, 64)
	f, err := strconv.ParseFloat(halfAway(s, n), 64)
	if err != nil {
		return null
	}
	return vector.Formatted(f, strconv.FormatFloat(f, 'f', n, 64))
}

// halfAway rounds a decimal text to n places, halves away from zero.
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

func sigfig(a []vector.Value) vector.Value {
	f, ok := a[0].Num()
	if !ok {
		return null
	}
	if a[0].Sig() == 0 {
		return vector.Float(f)
	}
	g, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', a[0].Sig()-1, 64), 64)
	if err != nil {
		return null
	}
	return vector.Float(g)
}

func eachNumber(a []vector.Value, add func(float64)) {
	for _, v := range a {
		for i := range v.Len() {
			if v.Kind() != vector.List {
				if f, ok := v.Num(); ok {
					add(f)
				}
			} else if f, ok := vector.ParseNumber(v.At(i)); ok {
				add(f)
			}
		}
	}
}

// extreme returns the greatest value with sign 1, the least with -1.
func extreme(a []vector.Value, sign int) vector.Value {
	best := null
	for _, v := range a {
		for i := range v.Len() {
			one := v
			if v.Kind() == vector.List {
				one = vector.String(v.At(i))
			}
			if best.IsNull() || sign*mixed(one, best) > 0 {
				best = one
			}
		}
	}
	return best
}

// mixed orders numbers before text.
func mixed(a, b vector.Value) int {
	x, okx := a.Num()
	y, oky := b.Num()
	switch {
	case okx && oky && x < y, okx && !oky:
		return -1
	case okx && oky && x > y, !okx && oky:
		return 1
	case okx && oky:
		return 0
	case a.Text() < b.Text():
		return -1
	case a.Text() > b.Text():
		return 1
	}
	return 0
}
