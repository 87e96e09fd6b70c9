package fn

import (
	"strconv"
	"strings"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "tonumber", "tonumber(<text> [, <base>])", "The number that a text writes, in a base from 2 to 36; null when it is none.", 1, 2, tonumber, `tonumber("0A4", 16)`, `"164"`)
	batched("tonumber", func(c *spl.Compiler, call *spl.Call) spl.Kernel {
		if len(call.Args) > 1 {
			return spl.Kernel{}
		}
		return spl.NumEach(c.Kernel(call.Args[0]), func(x float64) float64 { return x })
	})
}

func tonumber(a []vector.Value) vector.Value {
	if len(a) == 1 {
		f, ok := a[0].Num()
		if !ok {
			return null
		}
		return float(f)
	}
	base, ok := integer(a[1])
	if !ok || base < 2 || base > 36 || a[0].IsNull() {
		return null
	}
	s := a[0].Text()
	if base == 16 {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "0x"), "0X")
	}
	n, err := strconv.ParseInt(s, base, 64)
	if err != nil {
		return null
	}
	return vector.Float(float64(n))
}
