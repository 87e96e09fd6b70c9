package event

import (
	"bytes"
	"strings"
)

// Prefilter rejects records by their raw text before they are parsed. It holds
// a conjunction of alternatives: of each group at least one literal must occur,
// without regard to ASCII case. It is safe for concurrent use.
type Prefilter struct {
	groups [][]literal
}

type literal struct {
	text   string // lower case
	at     int    // the byte of text that is looked for first
	lo, up byte   // its two cases
}

// NewPrefilter returns a filter for the groups; an empty group, an empty
// literal and one that is not plain ASCII make their group pass everything.
func NewPrefilter(all [][]string) *Prefilter {
	p := &Prefilter{}
	for _, group := range all {
		var lits []literal
		for _, s := range group {
			l, ok := newLiteral(s)
			if !ok {
				lits = nil
				break
			}
			lits = append(lits, l)
		}
		if len(lits) > 0 {
			p.groups = append(p.groups, lits)
		}
	}
	return p
}

// rarity orders bytes by how seldom they are in CloudTrail's text, rarest
// first; what is not listed is taken as common.
const rarity = "zqjxkZQJXYKVHGFBWUyvbhfgwRLPOTNMDCSIEA9876543210upmdlcnorsiate-_/.: \""

func newLiteral(s string) (literal, bool) {
	l := literal{text: strings.ToLower(s)}
	if s == "" {
		return l, false
	}
	best := len(rarity) + 1
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] < ' ' || s[i] == '"' || s[i] == '\\' || s[i] == '/' {
			return l, false // may be written as an escape
		}
		rank := strings.IndexByte(rarity, l.text[i])
		if rank < 0 {
			rank = len(rarity)
		}
		if rank < best {
			best, l.at = rank, i
		}
	}
	l.lo = l.text[l.at]
	l.up = l.lo
	if l.lo >= 'a' && l.lo <= 'z' {
		l.up = l.lo - 'a' + 'A'
	}
	return l, true
}

// Empty reports whether the filter passes everything.
func (p *Prefilter) Empty() bool { return len(p.groups) == 0 }

// Match reports whether a record may pass. Records with \u escapes always may:
// a letter can be written as one. So may those with letters of which another
// case is ASCII.
func (p *Prefilter) Match(raw []byte) bool {
	for _, group := range p.groups {
		found := false
		for i := range group {
			if group[i].in(raw) {
				found = true
				break
			}
		}
		if !found {
			return bytes.Contains(raw, []byte(`\u`)) || foldsToASCII(raw)
		}
	}
	return true
}

// foldsToASCII reports whether a text has one of the letters outside ASCII whose
// small or capital letter is inside it: İ, ſ and the Kelvin sign.
func foldsToASCII(raw []byte) bool {
	return bytes.Contains(raw, []byte("\u0130")) || bytes.Contains(raw, []byte("\u017f")) || bytes.Contains(raw, []byte("\u212a"))
}

func (l *literal) in(raw []byte) bool {
	return l.anchored(raw, l.lo) || l.up != l.lo && l.anchored(raw, l.up)
}

// anchored looks for the literal at the places of one case of its rarest byte.
func (l *literal) anchored(raw []byte, c byte) bool {
	last := len(raw) - (len(l.text) - l.at) // the last place the anchor can have
	for i := l.at; i <= last; i++ {
		n := bytes.IndexByte(raw[i:], c)
		if n < 0 || i+n > last {
			return false
		}
		i += n
		if foldEqual(raw[i-l.at:i-l.at+len(l.text)], l.text) {
			return true
		}
	}
	return false
}

func foldEqual(b []byte, lower string) bool {
	for i := range len(lower) {
		c := b[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
