package fn

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conversion, "tostring", `tostring(<value> [, "hex"|"commas"|"duration"|"binary"])`, "A value as text: Booleans as True and False, numbers in the given format. A duration is [D+]HH:MM:SS, with microseconds if there are any.", 1, 2, tostring, `tostring(12345.6789, "commas")`, `"12,345.68"`)
	checked(checkFormat, "tostring")
}

var formats = []string{"hex", "binary", "commas", "duration"}

func checkFormat(call *syntax.Call) error {
	if len(call.Args) < 2 {
		return nil
	}
	lit, ok := call.Args[1].(*syntax.Literal)
	if !ok || slices.Contains(formats, strings.ToLower(lit.Value.Text())) {
		return nil
	}
	return diag.At(lit.Span, "tostring has no format %q", lit.Value.Text()).WithHint("%s", diag.Suggest(lit.Value.Text(), formats, "the formats"))
}

func tostring(a []vector.Value) vector.Value {
	if a[0].IsNull() {
		return null
	}
	if len(a) == 1 {
		if a[0].Kind() == vector.List {
			return a[0]
		}
		return vector.String(a[0].Text())
	}
	f, ok := a[0].Num()
	if !ok {
		return null
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return vector.String(vector.FormatNumber(f))
	}
	switch strings.ToLower(a[1].Text()) {
	case "hex":
		return vector.String("0x" + strings.ToUpper(inBase(f, 16)))
	case "binary":
		return vector.String(inBase(f, 2))
	case "commas":
		return vector.String(commas(f))
	case "duration":
		return vector.String(duration(f))
	}
	return null
}

func inBase(f float64, base int) string {
	n, _ := big.NewFloat(f).Int(nil)
	return n.Text(base)
}

// commas formats a number with thousands separators and at most two decimals.
func commas(f float64) string {
	s := strconv.FormatFloat(f, 'f', 2, 64)
	if f == math.Trunc(f) {
		s = strconv.FormatFloat(f, 'f', 0, 64)
	}
	return separated(s)
}

// duration formats seconds as [D+]HH:MM:SS, with microseconds if there are any.
func duration(f float64) string {
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	micros := int64(math.Round(min(f, 1e12) * 1e6))
	n := micros / 1e6
	s := fmt.Sprintf("%02d:%02d:%02d", n/3600%24, n/60%60, n%60)
	if rest := micros % 1e6; rest > 0 {
		s += fmt.Sprintf(".%06d", rest)
	}
	if n >= 86400 {
		s = strconv.FormatInt(n/86400, 10) + "+" + s
	}
	return sign + s
}
