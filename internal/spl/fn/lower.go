package fn

import (
	"strings"
)

func init() {
	function(texts, "lower", "lower(<text>)", "The text in small letters.", 1, 1, text(strings.ToLower), `lower("AbC")`, `"abc"`)
	function(texts, "upper", "upper(<text>)", "The text in capitals.", 1, 1, text(strings.ToUpper), `upper("AbC")`, `"ABC"`)
}
