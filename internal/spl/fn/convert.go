package fn

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

const conversion = "Conversion"

func init() {
	function(conversion, "tonumber", "tonumber(<text> [, <base>])", "The number that a text writes, in a base from 2 to 36; null when it is none.", 1, 2, tonumber, `tonumber("0A4", 16)`, `"164"`)
	function(conversion, "tostring", `tostring(<value> [, "hex"|"commas"|"duration"|"binary"])`, "A value as text: tests as True and False, numbers in the format.", 1, 2, tostring, `tostring(12345.6789, "commas")`, `"12,345.68"`)
	compiled(conversion, "printf", "printf(<format>, <value>, …)", "Text made by a format as in C: %d %i %u %o %x %X %p %s %z %c %f %F %e %E %g %G %a %A %%, with the flags - + 0 # blank and '. Widths go up to 1000.", 1, -1, compilePrintf, `printf("%05.1f|%-4s|%x", 3.14159, "ab", 255)`, `"003.1|ab  |ff"`)
	function(conversion, "ipmask", "ipmask(<mask>, <address>)", "The address with the bits that the mask lacks cleared.", 2, 2, ipmask, `ipmask("255.255.255.0", "10.20.30.120")`, `"10.20.30.0"`)
	function(conversion, "toint", "toint(<value>)", "The whole part of a number.", 1, 1, func(a []vector.Value) vector.Value {
		f, ok := a[0].Num()
		if !ok {
			return null
		}
		return float(math.Trunc(f))
	}, `toint("3.99")`, `"3"`)
	function(conversion, "todouble", "todouble(<value>)", "A number as it is; null for what is none.", 1, 1, func(a []vector.Value) vector.Value {
		f, ok := a[0].Num()
		if !ok {
			return null
		}
		return float(f)
	}, `todouble("2.5")`, `"2.5"`)
	function(conversion, "tobool", "tobool(<value>)", "A test from true and false, t and f, 1 and 0.", 1, 1, func(a []vector.Value) vector.Value {
		if a[0].Kind() == vector.Bool {
			return a[0]
		}
		switch strings.ToLower(a[0].Text()) {
		case "true", "t", "1", "yes":
			return vector.Truth(true)
		case "false", "f", "0", "no":
			return vector.Truth(false)
		}
		return null
	}, `if(tobool("true"), 1, 2)`, `"1"`)
	function(conversion, "tomv", "tomv(<json array>)", "The elements of a JSON array as several values.", 1, 1, func(a []vector.Value) vector.Value { return arrayToMV(a[0], false) }, `tomv("[1,\"b\"]")`, `["1","b"]`)
	function(conversion, "toarray", "toarray(<value>)", "Several values as a JSON array; JSON arrays as they are.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == '[' {
			return a[0]
		}
		return mvToArray(a[0], false)
	}, `toarray("a")`, `"[\"a\"]"`)
	function(conversion, "toobject", "toobject(<json>)", "A JSON object as it is; null for what is none.", 1, 1, func(a []vector.Value) vector.Value {
		if kindOf(a[0]) == '{' {
			return a[0]
		}
		return null
	}, `toobject("{\"a\":1}")`, `"{\"a\":1}"`)
}

// kindOf returns the first byte of a text that is valid JSON, 0 for others.
func kindOf(v vector.Value) byte {
	doc := []byte(v.Text())
	i := jsonscan.Space(doc, 0)
	if end, err := jsonscan.Skip(doc, i, jsonscan.MaxDepth); err != nil || jsonscan.Space(doc, end) != len(doc) {
		return 0
	}
	return doc[i]
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
	switch strings.ToLower(a[1].Text()) {
	case "hex":
		return vector.String("0x" + strings.ToUpper(strconv.FormatInt(int64(f), 16)))
	case "binary":
		return vector.String(strconv.FormatInt(int64(f), 2))
	case "commas":
		return vector.String(commas(f))
	case "duration":
		return vector.String(duration(f))
	}
	return null
}

// commas writes a number with commas between thousands and at most two
// decimals.
func commas(f float64) string {
	s := strconv.FormatFloat(f, 'f', 2, 64)
	if f == math.Trunc(f) {
		s = strconv.FormatFloat(f, 'f', 0, 64)
	}
	return separated(s)
}

// separated puts commas into the whole part of a decimal.
func separated(s string) string {
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	whole, frac, point := strings.Cut(s, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + frac
	}
	return sign + whole
}

// duration writes seconds as [D+]HH:MM:SS.
func duration(f float64) string {
	sign := ""
	if f < 0 {
		sign, f = "-", -f
	}
	n := int64(min(f, 1e15))
	s := fmt.Sprintf("%02d:%02d:%02d", n/3600%24, n/60%60, n%60)
	if n >= 86400 {
		s = strconv.FormatInt(n/86400, 10) + "+" + s
	}
	return sign + s
}

func ipmask(a []vector.Value) vector.Value {
	mask, err := netip.ParseAddr(a[0].Text())
	if err != nil || !mask.Is4() {
		return null
	}
	ip, err := netip.ParseAddr(a[1].Text())
	if err != nil || !ip.Is4() {
		return null
	}
	m, b := mask.As4(), ip.As4()
	for i := range b {
		b[i] &= m[i]
	}
	return vector.String(netip.AddrFrom4(b).String())
}

// maxWidth bounds the width and precision of printf.
const maxWidth = 1000

func compilePrintf(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	if lit, ok := call.Args[0].(*spl.Literal); ok {
		if need := verbs(lit.Value.Text()); need > len(call.Args)-1 {
			return nil, diag.At(call.Span, "the format of printf needs %d values, %d are given", need, len(call.Args)-1)
		}
	}
	return func(f *spl.Frame) vector.Value {
		format := evs[0](f)
		if format.IsNull() {
			return null
		}
		args := make([]vector.Value, len(evs)-1)
		for i := range args {
			args[i] = evs[i+1](f)
		}
		s, ok := printf(format.Text(), args)
		if !ok {
			return null
		}
		return vector.String(s)
	}, nil
}

// verb is one conversion of a printf format.
type verb struct {
	flags      string
	width      string // digits, * or ""
	prec       string // after the point; "" with hasPrec = 0
	hasPrec    bool
	conversion byte
}

// nextVerb reads the conversion behind a %; n is its length, 0 when the format
// ends inside it.
func nextVerb(s string) (v verb, n int) {
	i := 0
	take := func(set string) string {
		start := i
		for i < len(s) && strings.IndexByte(set, s[i]) >= 0 {
			i++
		}
		return s[start:i]
	}
	v.flags = take("-+ #0'")
	if i < len(s) && s[i] == '*' {
		v.width = take("*")
	} else {
		v.width = take("0123456789")
	}
	if i < len(s) && s[i] == '.' {
		i++
		v.hasPrec = true
		if i < len(s) && s[i] == '*' {
			v.prec = take("*")
		} else {
			v.prec = take("0123456789")
		}
	}
	take("hlLqjt")
	if i >= len(s) {
		return v, 0
	}
	v.conversion = s[i]
	return v, i + 1
}

// verbs counts the values a format needs.
func verbs(format string) int {
	n := 0
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			return n
		}
		v, used := nextVerb(format[i+1:])
		if used == 0 {
			return n
		}
		n += strings.Count(v.width+v.prec, "*")
		if v.conversion != '%' {
			n++
		}
		format = format[i+1+used:]
	}
}

func printf(format string, args []vector.Value) (string, bool) {
	var b strings.Builder
	next := func() (vector.Value, bool) {
		if len(args) == 0 {
			return null, false
		}
		v := args[0]
		args = args[1:]
		return v, true
	}
	for {
		i := strings.IndexByte(format, '%')
		if i < 0 {
			b.WriteString(format)
			return b.String(), true
		}
		b.WriteString(format[:i])
		v, n := nextVerb(format[i+1:])
		if n == 0 {
			b.WriteString(format[i:])
			return b.String(), true
		}
		format = format[i+1+n:]
		for _, star := range []*string{&v.width, &v.prec} {
			if *star == "*" {
				a, ok := next()
				w, isInt := integer(a)
				if !ok || !isInt {
					return "", false
				}
				*star = strconv.Itoa(w)
			}
		}
		if v.conversion == '%' {
			b.WriteByte('%')
			continue
		}
		a, ok := next()
		if !ok {
			return "", false
		}
		b.WriteString(v.format(a))
	}
}

func (v *verb) format(a vector.Value) string {
	spec := "%" + strings.ReplaceAll(v.flags, "'", "")
	if w, err := strconv.Atoi(v.width); err == nil {
		spec += strconv.Itoa(max(-maxWidth, min(w, maxWidth)))
	}
	if v.hasPrec {
		p, _ := strconv.Atoi(v.prec)
		spec += "." + strconv.Itoa(max(0, min(p, maxWidth)))
	}
	f, isNum := a.Num()
	whole := func() int64 { return int64(max(-9.2e18, min(f, 9.2e18))) }
	var out string
	switch c := v.conversion; c {
	case 'd', 'i':
		out = fmt.Sprintf(spec+"d", whole())
	case 'u':
		out = fmt.Sprintf(spec+"d", uint64(whole()))
	case 'o', 'x', 'X':
		out = fmt.Sprintf(spec+string(c), uint64(whole()))
	case 'p':
		out = fmt.Sprintf(spec+"X", uint64(whole()))
	case 's', 'z':
		out = fmt.Sprintf(spec+"s", a.Text())
	case 'c':
		s := []rune(a.Text())
		out = fmt.Sprintf(spec+"s", string(s[:min(len(s), 1)]))
	case 'f', 'F', 'e', 'E', 'g', 'G':
		if !v.hasPrec && c != 'f' && c != 'F' {
			spec += ".6"
		}
		out = fmt.Sprintf(spec+string(c), f)
	case 'a', 'A':
		out = fmt.Sprintf(spec+string(rune(c)+('x'-'a')), f)
	default:
		return "%" + string(c)
	}
	if !isNum && strings.IndexByte("szc", v.conversion) < 0 {
		return ""
	}
	if strings.Contains(v.flags, "'") {
		out = separated(out)
	}
	return out
}
