package fn

import (
	"fmt"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conversion, "printf", "printf(<format>, <value>, …)", "Text made by a format as in C: %d %i %u %o %x %X %p %s %z %c %f %F %e %E %g %G %a %A %%, with the flags - + 0 # blank and '. Widths go up to 1000.", 1, -1, compilePrintf, `printf("%05.1f|%-4s|%x", 3.14159, "ab", 255)`, `"003.1|ab  |ff"`)
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
		out = shortExponent(fmt.Sprintf(spec+string(rune(c)+('x'-'a')), f))
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

// shortExponent takes the zero from an exponent such as p+03, which C does not
// write; the width stays.
func shortExponent(s string) string {
	at := strings.IndexAny(s, "pP")
	if at < 0 || at+3 >= len(s) || s[at+2] != '0' {
		return s
	}
	short := s[:at+2] + s[at+3:]
	if s[0] == ' ' {
		return " " + short
	}
	return short
}
