package fn

import (
	"unicode/utf8"

	"bluetrail/internal/vector"
)

func init() {
	function(texts, "substr", "substr(<text>, <start> [, <length>])", "A part of the text. The first character is 1; a negative start counts from the end, and a negative length goes back from the start.", 2, 3, substr, `substr("string", -3)`, `"ing"`)
	checked(numbers(1, 2), "substr")
}

func substr(a []vector.Value) vector.Value {
	start, ok := integer(a[1])
	if !ok || a[0].IsNull() {
		return null
	}
	n := 1 << 40
	if len(a) == 3 {
		if n, ok = integer(a[2]); !ok {
			return null
		}
	}
	return text(func(s string) string {
		if ascii(s) {
			from, to := part(len(s), start, n)
			return s[from:to]
		}
		rs := []rune(s)
		from, to := part(len(rs), start, n)
		return string(rs[from:to])
	})(a)
}

// part returns the half-open range of n characters from start in a text of size
// characters. start counts from 1, or from the end of the text if negative.
func part(size, start, n int) (from, to int) {
	from = start
	switch {
	case from > 0:
		from--
	case from < 0:
		from += size
	}
	to = from + n
	if n < 0 {
		from, to = to, from
	}
	from = min(max(from, 0), size)
	return from, max(from, min(to, size))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
