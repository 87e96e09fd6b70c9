package fn

import (
	"strings"

	"bluetrail/internal/spl"
)

func init() {
	function(texts, "lower", "lower(<text>)", "The text in small letters.", 1, 1, text(strings.ToLower), `lower("AbC")`, `"abc"`)
	function(texts, "upper", "upper(<text>)", "The text in capitals.", 1, 1, text(strings.ToUpper), `upper("AbC")`, `"ABC"`)
	for name, f := range map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper} {
		batched(name, func(c *spl.Compiler, call *spl.Call) spl.Kernel { return spl.TextEach(c.Kernel(call.Args[0]), f) })
	}
}
