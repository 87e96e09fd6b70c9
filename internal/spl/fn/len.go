package fn

import (
	"unicode/utf8"

	"bluetrail/internal/vector"
)

func init() {
	function(texts, "len", "len(<text>)", "How many characters the text has.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() || a[0].Kind() == vector.List {
			return null
		}
		return vector.Int(utf8.RuneCountInString(a[0].Text()))
	}, `len("naïve")`, `"5"`)
}
