package fn

import (
	"math"
	"unicode/utf8"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	function(texts, "len", "len(<text>)", "How many characters the text has.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].IsNull() || a[0].Kind() == vector.List {
			return null
		}
		return vector.Int(utf8.RuneCountInString(a[0].Text()))
	}, `len("naïve")`, `"5"`)
	batched("len", func(c *spl.Compiler, call *spl.Call) spl.Kernel {
		in := c.Kernel(call.Args[0]).AsValues()
		if in == nil {
			return spl.Kernel{}
		}
		var buf []float64
		return spl.Kernel{Nums: func(f *spl.Frame, n int) []float64 {
			out, vals := spl.Scratch(&buf, n), in(f, n)
			for i := range vals {
				if out[i] = math.NaN(); vals[i].Kind() == vector.Text {
					out[i] = float64(utf8.RuneCountInString(vals[i].Text()))
				}
			}
			return out
		}}
	})
}
