package filter

import (
	"strings"
	"unicode/utf8"
)

// Splunk splits raw text into words at breakers: major breakers separate
// segments, minor ones separate the pieces of a segment. A term matches if both
// of its ends are at a breaker or at an end of the text.
const (
	majorBreakers = "[]<>(){}|!;,'\"*\n\r \t&?+"
	minorBreakers = "/:=@.-$#%\\_"
)

var breaker = func() (t [256]uint8) {
	for i := range len(minorBreakers) {
		t[minorBreakers[i]] = 1
	}
	for i := range len(majorBreakers) {
		t[majorBreakers[i]] = 2
	}
	return t
}()

// IsBreaker reports whether a byte of raw text ends a word.
func IsBreaker(c byte) bool { return breaker[c] > 0 }

// rawTerm tests texts for a term.
type rawTerm struct {
	parts []string // the text between wildcards; lower case unless exact case
	fold  bool     // the parts are ASCII, and the case of texts is ignored
	least uint8    // minimum boundary: 1 any breaker, 2 major ones
}

// CompileTerm returns the test that a term or phrase applies to _raw.
func CompileTerm(t *Term) func(raw string) bool {
	r := &rawTerm{fold: !t.Case, least: 1}
	if t.Exact {
		r.least = 2
	}
	text := t.Text
	if r.fold {
		text = Lower(text)
	}
	r.parts = strings.Split(text, "*")
	switch {
	case !r.fold:
	case ascii(text):
		return func(raw string) bool { return r.match(asciiLetters(raw)) }
	default:
		r.fold = false
		return func(raw string) bool { return r.match(Lower(raw)) }
	}
	return r.match
}

// atBoundary reports whether a word may begin or end between s[:i] and s[i:]. A
// breaker on the inner side does not count: the term's own first or last
// character may itself be a breaker.
func (r *rawTerm) before(s string, i int) bool {
	return i == 0 || breaker[s[i-1]] >= r.least || breaker[s[i]] >= r.least
}

func (r *rawTerm) after(s string, i int) bool {
	return i == len(s) || breaker[s[i]] >= r.least || breaker[s[i-1]] >= r.least
}

func (r *rawTerm) match(s string) bool {
	first := r.parts[0]
	if len(r.parts) == 1 {
		for from := 0; ; {
			i := r.index(s[from:], first)
			if i < 0 {
				return false
			}
			i += from
			if first == "" || r.before(s, i) && r.after(s, i+len(first)) {
				return true
			}
			from = i + 1
		}
	}
	// The wildcard of a term stays within a segment, the one of a phrase with
	// blanks may not; both are served by a run without major breakers.
	for from := 0; from <= len(s); {
		i := r.index(s[from:], first)
		if i < 0 {
			return false
		}
		i += from
		if (first == "" || r.before(s, i)) && r.rest(s, i+len(first), r.parts[1:]) {
			return true
		}
		if first == "" {
			return r.anywhere(s)
		}
		from = i + 1
	}
	return false
}

// anywhere handles a leading wildcard: the part after it may start anywhere.
func (r *rawTerm) anywhere(s string) bool {
	parts := r.parts[1:]
	if len(parts) == 1 && parts[0] == "" {
		return true
	}
	for from := 0; from <= len(s); {
		i := r.index(s[from:], parts[0])
		if i < 0 {
			return false
		}
		end := from + i + len(parts[0])
		if len(parts) == 1 && (end == len(s) || r.after(s, end)) || len(parts) > 1 && r.rest(s, end, parts[1:]) {
			return true
		}
		from += i + 1
	}
	return false
}

// rest matches the parts after wildcards, starting at pos, within a segment.
func (r *rawTerm) rest(s string, pos int, parts []string) bool {
	end := pos
	for end < len(s) && breaker[s[end]] < 2 {
		end++
	}
	for n, part := range parts {
		last := n == len(parts)-1
		if last && part == "" {
			return true
		}
		limit := end
		if strings.ContainsAny(part, majorBreakers) {
			limit = len(s)
		}
		for {
			i := r.index(s[pos:limit], part)
			if i < 0 {
				return false
			}
			pos += i + len(part)
			if !last || r.after(s, pos) {
				break
			}
			pos -= len(part) - 1
			if pos > limit {
				return false
			}
		}
	}
	return true
}

func (r *rawTerm) index(s, part string) int {
	if !r.fold {
		return strings.Index(s, part)
	}
	return indexFold(s, part)
}

// indexFold is strings.Index ignoring ASCII case; part is lower-case ASCII.
func indexFold(s, part string) int {
	if part == "" {
		return 0
	}
	c := part[0]
	upper := c
	if c >= 'a' && c <= 'z' {
		upper = c - 'a' + 'A'
	}
	last := len(s) - len(part)
	for i := 0; i <= last; i++ {
		if s[i] != c && s[i] != upper {
			if c == upper { // only one byte to search for: let the library skip
				n := strings.IndexByte(s[i:], c)
				if n < 0 || i+n > last {
					return -1
				}
				i += n
			} else {
				continue
			}
		}
		if equalFold(s[i:i+len(part)], part) {
			return i
		}
	}
	return -1
}

func equalFold(s, lower string) bool {
	for i := range len(lower) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
