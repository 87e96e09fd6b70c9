package fn

import (
	"math"
	"unicode/utf8"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(texts, "len", "len(<text>)", "The number of characters in the text.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() || a[0].Kind() == vector.List {
			return null
		}
		return vector.Int(utf8.RuneCountInString(a[0].Text()))
	}, `len("naïve")`, `"5"`)
	batched("len", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		in := c.Kernel(call.Args[0]).AsValues()
		if in == nil {
			return expr.Kernel{}
		}
		var buf []float64
		return expr.Kernel{Nums: func(f *expr.Frame, n int) []float64 {
			out, vals := expr.Scratch(&buf, n), in(f, n)
			for i := range vals {
				if out[i] = math.NaN(); vals[i].Kind() == vector.Text {
					out[i] = float64(utf8.RuneCountInString(vals[i].Text()))
				}
			}
			return out
		}}
	})
}
