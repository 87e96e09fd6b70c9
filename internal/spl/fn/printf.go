package fn

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(conversion, "printf", "printf(<format>, <value>, …)", "Text formatted as in C: %d %i %u %o %x %X %p %s %z %c %f %F %e %E %g %G %a %A %%, with the flags - + 0 # space and '. The maximum width is 1000; larger widths are reduced to it, with a warning.", 1, -1, compilePrintf, `printf("%05.1f|%-4s|%x", 3.14159, "ab", 255)`, `"003.1|ab  |ff"`)
}

// maxWidth bounds the width and precision of printf.
const maxWidth = 1000

func compilePrintf(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	if lit, ok := call.Args[0].(*syntax.Literal); ok {
		if need := verbs(lit.Value.Text()); need > len(call.Args)-1 {
			return nil, diag.At(lit.Span, "the format of printf needs %s, but %d were given", plural(need, "value"), len(call.Args)-1)
		}
	}
	return func(f *expr.Frame) vector.Value {
		format := evs[0](f)
		if format.IsNull() {
			return null
		}
		args := make([]vector.Value, len(evs)-1)
		for i := range args {
			args[i] = evs[i+1](f)
		}
		s, ok, cut := printf(format.Text(), args)
		if !ok {
			return null
		}
		if cut {
			c.Warn("printf limits field widths to %d characters", maxWidth)
		}
		return vector.String(s)
	}, nil
}

// verb is one conversion specification of a printf format.
type verb struct {
	flags      string
	width      string // digits, * or ""
	prec       string // after the dot; "" with hasPrec means 0
	hasPrec    bool
	conversion byte
}

// nextVerb parses the conversion after a %. n is its length, 0 if the format
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

// verbs counts the values that a format needs.
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

// printf returns the text, false if the values do not fit the format, and
// whether a width or precision was reduced to maxWidth.
func printf(format string, args []vector.Value) (s string, ok, cut bool) {
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
			return b.String(), true, cut
		}
		b.WriteString(format[:i])
		v, n := nextVerb(format[i+1:])
		if n == 0 {
			b.WriteString(format[i:])
			return b.String(), true, cut
		}
		format = format[i+1+n:]
		for _, star := range []*string{&v.width, &v.prec} {
			if *star == "*" {
				a, ok := next()
				w, isInt := integer(a)
				if !ok || !isInt {
					return "", false, false
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
			return "", false, false
		}
		cut = cut || v.tooWide()
		b.WriteString(v.format(a))
	}
}

// tooWide reports whether the width or precision exceeds maxWidth.
func (v *verb) tooWide() bool {
	for _, text := range []string{v.width, v.prec} {
		n, err := strconv.Atoi(text)
		if n > maxWidth || n < -maxWidth || errors.Is(err, strconv.ErrRange) {
			return true
		}
	}
	return false
}

func (v *verb) format(a vector.Value) string {
	flags := strings.ReplaceAll(v.flags, "'", "")
	switch v.conversion { // keep only the flags whose effect C defines
	case 's', 'z', 'c':
		flags = keepBytes(flags, "-")
	case 'o', 'x', 'X', 'p', 'u':
		flags = keepBytes(flags, "-#0")
	}
	width, _ := strconv.Atoi(v.width)
	if width = max(-maxWidth, min(width, maxWidth)); width < 0 {
		flags, width = flags+"-", -width
	}
	precision := ""
	if v.hasPrec && v.conversion != 'c' {
		p, _ := strconv.Atoi(v.prec)
		precision = "." + strconv.Itoa(max(0, min(p, maxWidth)))
	}
	f, isNum := a.Num()
	if !isNum && strings.IndexByte("szc", v.conversion) < 0 {
		return ""
	}
	printed := func(conversion string, value any) func(flags string, width int) string {
		return func(flags string, width int) string {
			spec := "%" + flags
			if width > 0 {
				spec += strconv.Itoa(width)
			}
			return fmt.Sprintf(spec+precision+conversion, value)
		}
	}
	whole := func() int64 { return int64(max(-9.2e18, min(f, 9.2e18))) }
	switch c := v.conversion; c {
	case 'd', 'i':
		return v.grouped(flags, width, printed("d", whole()))
	case 'u':
		return v.grouped(flags, width, printed("d", uint64(whole())))
	case 'f', 'F':
		return v.grouped(flags, width, printed("f", f))
	case 'o', 'x', 'X':
		return printed(string(c), uint64(whole()))(flags, width)
	case 'p':
		return printed("X", uint64(whole()))(flags, width)
	case 's', 'z':
		return printed("s", a.Text())(flags, width)
	case 'c':
		s := []rune(a.Text())
		if code, ok := integer(a); ok && a.Kind() == vector.Number && code > 0 && code <= utf8.MaxRune {
			s = []rune{rune(code)}
		}
		return printed("s", string(s[:min(len(s), 1)]))(flags, width)
	case 'e', 'E', 'g', 'G':
		if !v.hasPrec {
			precision = ".6"
		}
		return printed(string(c), f)(flags, width)
	case 'a', 'A':
		return shortExponent(printed(string(rune(c)+('x'-'a')), f)(flags, width))
	}
	return "%" + string(v.conversion)
}

func keepBytes(s, set string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(set, r) {
			return r
		}
		return -1
	}, s)
}

// grouped formats a number with thousands separators within the given width.
func (v *verb) grouped(flags string, width int, print func(flags string, width int) string) string {
	if !strings.Contains(v.flags, "'") {
		return print(flags, width)
	}
	s := separated(print(keepBytes(flags, "+ #"), 0))
	missing := width - len(s)
	switch {
	case missing <= 0:
		return s
	case strings.Contains(flags, "-"):
		return s + strings.Repeat(" ", missing)
	case strings.Contains(flags, "0"):
		digits := strings.TrimLeft(s, "+- ")
		return s[:len(s)-len(digits)] + strings.Repeat("0", missing) + digits
	}
	return strings.Repeat(" ", missing) + s
}

// shortExponent removes the leading zero from an exponent such as p+03, to
// match C. The width stays the same.
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
