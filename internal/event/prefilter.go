package event

import (
	"bytes"
	"strings"
)

// Prefilter rejects records by their raw text before they are parsed. It is a
// conjunction of alternatives: at least one literal of each group must occur,
// ignoring ASCII case. It is safe for concurrent use.
type Prefilter struct {
	groups [][]literal
}

type literal struct {
	text   string // lower case
	at     int    // index of the byte of text that is searched for first
	lo, up byte   // lower and upper case of that byte
}

// NewPrefilter returns a filter for the groups. A group that is empty, or has a
// literal that is empty or not plain ASCII, passes everything.
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

// rarity lists bytes by their rarity in CloudTrail's text, rarest first;
// unlisted bytes count as common.
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

// Match reports whether a record may match. Records with \u escapes always may,
// because any letter can be written as one. So may records with non-ASCII
// letters that have an ASCII letter as another case.
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

// foldsToASCII reports whether a text has one of the non-ASCII letters whose
// lower or upper case is ASCII: İ, ſ and the Kelvin sign.
func foldsToASCII(raw []byte) bool {
	return bytes.Contains(raw, []byte("\u0130")) || bytes.Contains(raw, []byte("\u017f")) || bytes.Contains(raw, []byte("\u212a"))
}

func (l *literal) in(raw []byte) bool {
	return l.anchored(raw, l.lo) || l.up != l.lo && l.anchored(raw, l.up)
}

// anchored looks for the literal at each occurrence of one case of its rarest
// byte.
func (l *literal) anchored(raw []byte, c byte) bool {
	last := len(raw) - (len(l.text) - l.at) // last possible position of the anchor
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
