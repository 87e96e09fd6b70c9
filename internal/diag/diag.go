// Package diag is how bluetrail says what is wrong with something a person
// wrote: the place underlined, what was wrong, and a way out.
package diag

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Span is a half-open range of byte offsets in a source text.
type Span struct{ Start, End int }

// Join returns the smallest span that covers both.
func (s Span) Join(t Span) Span { return Span{min(s.Start, t.Start), max(s.End, t.End)} }

// Error is a fault at a place of a text. Src may be filled in later by whoever
// knows the whole text; without it Error prints only the message.
type Error struct {
	Src  string // the whole text the span points into
	Name string // what the text is: a file name, "search", …; may be empty
	Span Span
	Msg  string // lower case, no full stop
	Hint string // the way out; may be empty
}

// At returns an Error at span.
func At(span Span, format string, args ...any) *Error {
	return &Error{Span: span, Msg: fmt.Sprintf(format, args...)}
}

// WithHint sets the hint and returns e.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Error returns one line: place, message, hint.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Src != "" {
		line, col := e.position()
		if e.Name != "" {
			fmt.Fprintf(&b, "%s:", e.Name)
		}
		fmt.Fprintf(&b, "%d:%d: ", line, col)
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		fmt.Fprintf(&b, " (%s)", e.Hint)
	}
	return b.String()
}

func (e *Error) position() (line, col int) {
	at := min(max(e.Span.Start, 0), len(e.Src))
	before := e.Src[:at]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// maxShown bounds the width of the line that Underlined prints.
const maxShown = 100

// Underlined returns several lines: the message, the line of the source that
// holds the place, a row of carets under it, the hint. Control characters of
// the source are replaced, so the result is safe on a terminal.
func (e *Error) Underlined() string {
	var b strings.Builder
	b.WriteString("error: " + Printable(e.Msg) + "\n")
	if e.Src != "" {
		at := min(max(e.Span.Start, 0), len(e.Src))
		end := min(max(e.Span.End, at), len(e.Src))
		start := strings.LastIndexByte(e.Src[:at], '\n') + 1
		stop := len(e.Src)
		if i := strings.IndexByte(e.Src[at:], '\n'); i >= 0 {
			stop = at + i
		}
		end = min(end, stop)
		lead, tail := "", ""
		if at-start > maxShown/2 {
			start = runeStart(e.Src, at-maxShown/2)
			lead = "…"
		}
		if stop-start > maxShown {
			stop = max(runeStart(e.Src, start+maxShown), min(end, runeStart(e.Src, at+maxShown)))
			tail = "…"
			end = min(end, stop)
		}
		line, _ := e.position()
		gutter := fmt.Sprintf("%4d | ", line)
		before, marked, after := Printable(e.Src[start:at]), Printable(e.Src[at:end]), Printable(e.Src[end:stop])
		pad := strings.Repeat(" ", runewidth.StringWidth(lead+before))
		fmt.Fprintf(&b, "%s%s%s%s%s%s\n", gutter, lead, before, marked, after, tail)
		fmt.Fprintf(&b, "     | %s%s\n", pad, strings.Repeat("^", max(1, runewidth.StringWidth(marked))))
	}
	if e.Hint != "" {
		b.WriteString("hint: " + Printable(e.Hint) + "\n")
	}
	return b.String()
}

func runeStart(s string, i int) int {
	i = min(max(i, 0), len(s))
	for n := 1; n < utf8.UTFMax && i > 0 && i < len(s) && !utf8.RuneStart(s[i]); n++ {
		i--
	}
	return i
}

// Printable replaces what could steer a terminal: control characters become
// visible pictures or \x escapes, bidirectional overrides U+FFFD.
func Printable(s string) string {
	clean := true
	for _, r := range s {
		if !printable(r) {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i, w := 0, 0; i < len(s); i += w {
		r, n := utf8.DecodeRuneInString(s[i:])
		w = n
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t':
			b.WriteByte(' ')
		case r == '\n':
			b.WriteString("␤")
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case !printable(r) && r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		case !printable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func printable(r rune) bool { return !Hidden(r) && r != utf8.RuneError }

// Hidden reports whether a character does something to a terminal or to the text
// around it instead of showing: control and formatting characters, among them
// those that turn the direction of text, and separators of lines and paragraphs.
func Hidden(r rune) bool {
	if r < 0x7f {
		return r < 0x20
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}
