package pcre

import (
	"strconv"
	"strings"
)

// translated is an expression in the syntax of the backtracking engine.
type translated struct {
	text   string
	names  []string // of groups by number; [0] is the whole match
	dollar bool     // contains a $ that may match before the last newline
	keeps  int      // number of \K; each is an empty group named keepName
}

// translate converts a PCRE expression for an engine that numbers named groups
// last and has different escapes. Every group is named after its PCRE number.
// Invalid syntax stays, so that the engine reports it.
func translate(p string) translated {
	t := translated{names: []string{""}}
	numbers := map[string]int{}
	multiline := hasFlag(p, 'm')
	var b strings.Builder
	atom := -1       // start in b of what a quantifier applies to
	var opened []int // starts of the open groups
	for i := 0; i < len(p); {
		if q := quantifier(p[i:]); q != "" {
			i += len(q)
			switch {
			case atom >= 0 && strings.HasPrefix(p[i:], "+"): // possessive, which the engine writes as an atomic group
				done := b.String()
				b.Reset()
				b.WriteString(done[:atom] + "(?>" + done[atom:] + q + ")")
				i++
			case strings.HasPrefix(p[i:], "?"):
				b.WriteString(q + "?")
				i++
			default:
				b.WriteString(q)
			}
			continue
		}
		start := b.Len()
		if p[i] != '(' && p[i] != ')' && p[i] != '|' {
			atom = start
		}
		switch c := p[i]; {
		case strings.HasPrefix(p[i:], `\K`):
			b.WriteString("(?<" + keepName(t.keeps) + ">)")
			t.keeps++
			i += 2
		case c == '\\':
			i += escape(&b, p[i:], false, numbers)
		case c == '[':
			i += class(&b, p[i:])
		case c == '$':
			t.dollar = true
			if multiline {
				b.WriteByte('$')
			} else {
				b.WriteString(`(?=\n?\z)`)
			}
			i++
		case c == '(':
			i += group(&b, p[i:], &t, numbers)
			switch {
			case p[i-1] != ')':
				opened, atom = append(opened, start), -1
			case b.Len() > start: // a reference
				atom = start
			}
		case c == ')' || c == '|':
			b.WriteByte(c)
			i++
			if atom = -1; c == ')' && len(opened) > 0 {
				atom, opened = opened[len(opened)-1], opened[:len(opened)-1]
			}
		default:
			b.WriteByte(c)
			i++
		}
	}
	t.text = b.String()
	return t
}

// quantifier returns the quantifier at the start of p, without a lazy or
// possessive suffix.
func quantifier(p string) string {
	switch p[0] {
	case '*', '+', '?':
		return p[:1]
	case '{':
		in, _, ok := strings.Cut(p[1:], "}")
		low, high, _ := strings.Cut(in, ",")
		if ok && low != "" && strings.Trim(low+high, "0123456789") == "" {
			return p[:len(in)+2]
		}
	}
	return ""
}

// hasFlag reports whether any (?flags) of the expression contains the flag.
func hasFlag(p string, flag byte) bool {
	for i := 0; i+2 < len(p); i++ {
		if p[i] != '(' || p[i+1] != '?' {
			continue
		}
		for j := i + 2; j < len(p) && (p[j]|0x20 >= 'a' && p[j]|0x20 <= 'z'); j++ {
			if p[j] == flag {
				return true
			}
		}
	}
	return false
}

// group writes the opening of a group and returns its length in p.
func group(b *strings.Builder, p string, t *translated, numbers map[string]int) int {
	capture := func(name string, length int) int {
		n := len(t.names)
		t.names = append(t.names, name)
		if name != "" {
			numbers[name] = n
		}
		b.WriteString("(?<" + strconv.Itoa(n) + ">")
		return length
	}
	if !strings.HasPrefix(p, "(?") {
		if strings.HasPrefix(p, "(*") { // a verb such as (*UTF8), which the engine rejects
			b.WriteString("(*")
			return 2
		}
		return capture("", 1)
	}
	if strings.HasPrefix(p, "(?#") {
		if n := strings.IndexByte(p, ')'); n > 0 {
			return n + 1
		}
	}
	if name, ok := between(p, "(?P=", ")"); ok {
		b.WriteString(reference(name, numbers))
		return len("(?P=") + len(name) + 1
	}
	for _, form := range [][2]string{{"(?P<", ">"}, {"(?<", ">"}, {"(?'", "'"}} {
		if name, ok := between(p, form[0], form[1]); ok && name != "" && name[0] != '=' && name[0] != '!' {
			return capture(name, len(form[0])+len(name)+1)
		}
	}
	b.WriteString("(?")
	return 2
}

func between(p, open, end string) (string, bool) {
	rest, ok := strings.CutPrefix(p, open)
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(rest, end)
	return name, ok && !strings.ContainsAny(name, "()[]\\")
}

func reference(name string, numbers map[string]int) string {
	if n, ok := numbers[name]; ok {
		name = strconv.Itoa(n)
	}
	return `\k<` + name + `>`
}

// escape writes the escape at the start of p and returns its length.
func escape(b *strings.Builder, p string, inClass bool, numbers map[string]int) int {
	if len(p) < 2 {
		b.WriteString(p)
		return len(p)
	}
	switch c := p[1]; {
	case c == 'Q':
		text, _, closed := strings.Cut(p[2:], `\E`)
		for i := range len(text) {
			if strings.IndexByte(`\.+*?()|[]{}^$#-`, text[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(text[i])
		}
		if closed {
			return 2 + len(text) + 2
		}
		return len(p)
	case c == 'h' && inClass:
		b.WriteString(`\t `)
		return 2
	case c == 'h':
		b.WriteString(`[\t ]`)
		return 2
	case c == 'H' && !inClass:
		b.WriteString(`[^\t ]`)
		return 2
	case c == 'N' && !inClass:
		b.WriteString(`[^\n]`)
		return 2
	case c == 'R' && !inClass:
		b.WriteString(`(?>\r\n|\n|\r)`)
		return 2
	case c == 'x' && len(p) > 2 && p[2] == '{':
		if hex, ok := between(p, `\x{`, "}"); ok {
			if n, err := strconv.ParseUint(hex, 16, 16); err == nil {
				s := strconv.FormatUint(n, 16)
				b.WriteString(`\u` + strings.Repeat("0", 4-len(s)) + s)
				return len(`\x{`) + len(hex) + 1
			}
		}
	case !inClass && (c == 'g' || c == 'k') && len(p) > 2:
		for _, form := range [][2]string{{"{", "}"}, {"<", ">"}, {"'", "'"}} {
			if name, ok := between(p[2:], form[0], form[1]); ok && name != "" {
				b.WriteString(reference(name, numbers))
				return 2 + 1 + len(name) + 1
			}
		}
		if c == 'g' && p[2]-'0' <= 9 {
			b.WriteString(`\k<` + p[2:3] + `>`)
			return 3
		}
	case !inClass && c >= '1' && c <= '9':
		n := 2
		for n < len(p) && n < 3 && p[n]-'0' <= 9 && len(numbers) > 8 {
			n++
		}
		b.WriteString(`\k<` + p[1:n] + `>`)
		return n
	}
	b.WriteString(p[:2])
	return 2
}

// class writes the character class at the start of p and returns its length.
func class(b *strings.Builder, p string) int {
	b.WriteByte('[')
	i := 1
	if i < len(p) && p[i] == '^' {
		b.WriteByte('^')
		i++
	}
	if i < len(p) && p[i] == ']' { // a ] in first position is literal
		b.WriteString(`\]`)
		i++
	}
	for i < len(p) {
		switch {
		case p[i] == ']':
			b.WriteByte(']')
			return i + 1
		case p[i] == '\\':
			i += escape(b, p[i:], true, nil)
		case strings.HasPrefix(p[i:], "[:"):
			end := strings.Index(p[i:], ":]")
			if end < 0 {
				b.WriteString(`\[`)
				i++
				continue
			}
			b.WriteString(p[i : i+end+2])
			i += end + 2
		case p[i] == '[': // escape it, since the engine would subtract classes
			b.WriteString(`\[`)
			i++
		default:
			b.WriteByte(p[i])
			i++
		}
	}
	return i
}
