package fn

import (
	"errors"
	"math/big"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "tonumber", "tonumber(<text> [, <base>])", "The number that a text represents, in a base from 2 to 36; null if it is not a number.", 1, 2, tonumber, `tonumber("0A4", 16)`, `"164"`)
	checked(checkNumeral, "tonumber")
	batched("tonumber", func(c *expr.Compiler, call *syntax.Call) expr.Kernel {
		if len(call.Args) > 1 {
			return expr.Kernel{}
		}
		return expr.NumEach(c.Kernel(call.Args[0]), func(x float64) float64 { return x })
	})
}

// checkNumeral rejects a literal that is not a number, as Splunk does. A field
// with such a value gives null.
func checkNumeral(call *syntax.Call) error {
	args := make([]vector.Value, len(call.Args))
	for i, a := range call.Args {
		lit, ok := a.(*syntax.Literal)
		if !ok {
			return nil
		}
		args[i] = lit.Value
	}
	if len(args) == 2 {
		if base, ok := integer(args[1]); !ok || base < 2 || base > 36 {
			return diag.At(call.Args[1].Place(), "the base must be a whole number from 2 to 36")
		}
	}
	if args[0] = vector.String(strings.TrimSpace(args[0].Text())); tonumber(args).IsNull() { // literals with blanks give null, as in Splunk's reference
		return diag.At(call.Args[0].Place(), "%q is not a number", args[0].Text()).WithHint("%s; write a field without quotes, or in single quotes", call.Def.Syntax)
	}
	return nil
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
	switch {
	case errors.Is(err, strconv.ErrRange) && len(s) <= 1100: // the largest number has fewer digits in any base
		if large, ok := new(big.Int).SetString(s, base); ok {
			f, _ := new(big.Float).SetInt(large).Float64()
			return vector.Float(f)
		}
		return null
	case err != nil:
		return null
	}
	return vector.Float(float64(n))
}
