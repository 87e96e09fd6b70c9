package fn

import (
	"strconv"
	"strings"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

// kindOf returns the first byte of a text that is valid JSON, 0 otherwise.
func kindOf(v vector.Value) byte {
	doc := []byte(v.Text())
	i := jsonscan.Space(doc, 0)
	if end, err := jsonscan.Skip(doc, i, jsonscan.MaxDepth); err != nil || jsonscan.Space(doc, end) != len(doc) {
		return 0
	}
	return doc[i]
}

// plural formats a count: 1 value, 2 values.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return strconv.Itoa(n) + " " + thing
}

// separated inserts thousands separators into a decimal number.
func separated(s string) string {
	sign := ""
	if s != "" && strings.IndexByte("-+ ", s[0]) >= 0 {
		sign, s = s[:1], s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + frac
	}
	return sign + whole
}
