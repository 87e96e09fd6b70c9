package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(texts, "substr", "substr(<text>, <start> [, <length>])", "A part of the text. The first character is 1; a negative start counts from the end.", 2, 3, substr, `substr("string", -3)`, `"ing"`)
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
		rs := []rune(s)
		from := start
		switch {
		case from > 0:
			from--
		case from < 0:
			from = max(0, len(rs)+from)
		}
		from = min(from, len(rs))
		return string(rs[from:max(from, min(len(rs), from+n))])
	})(a)
}
