package sigma

import (
	"strings"
	"unicode/utf8"
)

// pattern is a text with wildcards: * stands for any characters, ? for one.
type pattern []piece

// piece is a literal, or a wildcard.
type piece struct {
	lit  string
	wild byte // 0, '*' or '?'
}

// parsePattern reads a value of a rule. A backslash makes a wildcard or a
// backslash plain; before anything else it stands for itself.
func parsePattern(s string) pattern {
	var p pattern
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			p = append(p, piece{lit: lit.String()})
			lit.Reset()
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s) && strings.IndexByte(`\*?`, s[i+1]) >= 0:
			i++
			lit.WriteByte(s[i])
		case c == '*' || c == '?':
			flush()
			if c == '*' && len(p) > 0 && p[len(p)-1].wild == '*' {
				continue
			}
			p = append(p, piece{wild: c})
		default:
			lit.WriteByte(c)
		}
	}
	flush()
	return p
}

// literal is the pattern of a plain text.
func literal(s string) pattern {
	if s == "" {
		return nil
	}
	return pattern{{lit: s}}
}

// text returns the text of a pattern without wildcards.
func (p pattern) text() (s string, plain bool) {
	switch {
	case len(p) == 0:
		return "", true
	case len(p) == 1 && p[0].wild == 0:
		return p[0].lit, true
	}
	return "", false
}

// mapped returns the pattern with its literals changed.
func (p pattern) mapped(f func(string) string) pattern {
	out := make(pattern, len(p))
	for i, pc := range p {
		if pc.wild == 0 {
			pc.lit = f(pc.lit)
		}
		out[i] = pc
	}
	return out
}

var anything = piece{wild: '*'}

// contains, startsWith and endsWith put wildcards around a pattern.
func (p pattern) contains() pattern   { return p.startsWith().endsWith() }
func (p pattern) startsWith() pattern { return join(p, pattern{anything}) }
func (p pattern) endsWith() pattern   { return join(pattern{anything}, p) }

func join(a, b pattern) pattern {
	out := append(append(pattern(nil), a...), b...)
	if n := len(a); n > 0 && n < len(out) && out[n-1].wild == '*' && out[n].wild == '*' {
		out = append(out[:n], out[n+1:]...)
	}
	return out
}

// String writes the pattern as a rule would.
func (p pattern) String() string {
	var b strings.Builder
	for _, pc := range p {
		if pc.wild != 0 {
			b.WriteByte(pc.wild)
			continue
		}
		b.WriteString(strings.NewReplacer(`*`, `\*`, `?`, `\?`).Replace(pc.lit))
	}
	return b.String()
}

// matchText reports whether all of s matches. The common shapes need no walk.
func (p pattern) matchText(s string) bool {
	switch len(p) {
	case 0:
		return s == ""
	case 1:
		switch p[0].wild {
		case 0:
			return s == p[0].lit
		case '*':
			return true
		}
	case 2:
		switch {
		case p[0].wild == 0 && p[1].wild == '*':
			return strings.HasPrefix(s, p[0].lit)
		case p[0].wild == '*' && p[1].wild == 0:
			return strings.HasSuffix(s, p[1].lit)
		}
	case 3:
		if p[0].wild == '*' && p[1].wild == 0 && p[2].wild == '*' {
			return strings.Contains(s, p[1].lit)
		}
	}
	return p.walk(s)
}

// walk matches from left to right. Where it fails behind a *, only the last one
// has to be tried anew, so that it takes at most the product of both lengths.
func (p pattern) walk(s string) bool {
	i, star, mark := 0, -1, 0
	at := 0
	for {
		if i == len(p) {
			if at == len(s) {
				return true
			}
		} else {
			switch pc := p[i]; {
			case pc.wild == '*':
				star, mark = i, at
				i++
				continue
			case pc.wild == '?' && at < len(s):
				_, n := utf8.DecodeRuneInString(s[at:])
				at += n
				i++
				continue
			case pc.wild == 0 && strings.HasPrefix(s[at:], pc.lit):
				at += len(pc.lit)
				i++
				continue
			}
		}
		if star < 0 || mark >= len(s) {
			return false
		}
		_, n := utf8.DecodeRuneInString(s[mark:])
		mark += n
		if next := star + 1; next < len(p) && p[next].wild == 0 {
			skip := strings.Index(s[mark:], p[next].lit)
			if skip < 0 {
				return false
			}
			mark += skip
		}
		i, at = star+1, mark
	}
}
