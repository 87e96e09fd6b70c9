package fn

import (
	"strings"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
)

func init() {
	function(texts, "lower", "lower(<text>)", "The text in lower case.", 1, 1, text(strings.ToLower), `lower("AbC")`, `"abc"`)
	function(texts, "upper", "upper(<text>)", "The text in upper case.", 1, 1, text(strings.ToUpper), `upper("AbC")`, `"ABC"`)
	for name, f := range map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper} {
		batched(name, func(c *expr.Compiler, call *syntax.Call) expr.Kernel { return expr.TextEach(c.Kernel(call.Args[0]), f) })
	}
}
