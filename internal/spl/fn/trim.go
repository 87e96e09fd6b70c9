package fn

import (
	"strings"

	"bluetrail/internal/vector"
)

func init() {
	trim("trim", "The text with the characters removed from both ends.", strings.Trim, `trim(" ZZabcZZ ", " Z")`, `"abc"`)
	trim("ltrim", "The text with the characters removed from its start.", strings.TrimLeft, `ltrim(" ZabcZ", " Z")`, `"abcZ"`)
	trim("rtrim", "The text with the characters removed from its end.", strings.TrimRight, `rtrim("abcZ ", " Z")`, `"abc"`)
}

// trim registers a function that removes characters of a set from a text.
func trim(name, doc string, cut func(s, set string) string, expr, want string) {
	function(texts, name, name+"(<text> [, <characters>])", doc+" The default is spaces and tabs.", 1, 2, func(a []vector.Value) vector.Value {
		set := " \t"
		if len(a) == 2 {
			if a[1].IsNull() {
				return null
			}
			set = a[1].Text()
		}
		return text(func(s string) string { return cut(s, set) })(a)
	}, expr, want)
}
