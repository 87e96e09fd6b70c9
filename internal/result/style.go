package result

import (
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// Escape sequences of a terminal.
const (
	bold    = "\x1b[1m"
	red     = "\x1b[31m"
	boldRed = "\x1b[1;31m"
	yellow  = "\x1b[33m"
	blue    = "\x1b[34m"
	plain   = "\x1b[0m"
)

var severities = map[string]string{
	"critical": boldRed, "high": red, "medium": yellow, "low": blue,
}

// colour returns the style of a value, "" = default. Errors and severities are
// highlighted.
func colour(field, value string) string {
	switch field {
	case "errorCode", "errorMessage":
		if value != "" && value != "success" {
			return red
		}
	case "severity", "urgency", "risk_level", "level":
		return severities[strings.ToLower(value)]
	case "action", "outcome":
		if value == "failure" || value == "denied" || value == "blocked" {
			return red
		}
	}
	return ""
}

// paint applies a style to a text if the output has colours.
func (o *Options) paint(style, s string) string {
	if style == "" || !o.Colour || s == "" {
		return s
	}
	return style + s + plain
}

// shorten removes characters from the middle of a text until it fits the width:
// the beginning and the end of an ARN or a user agent say most.
func shorten(s string, width int) string {
	if reach := 16 * (width + 1); len(s) > 2*reach { // what is behind that cannot be seen
		s = s[:before(s, reach)] + s[before(s, len(s)-reach):]
		if runewidth.StringWidth(s) <= width {
			return s + "…"
		}
	}
	all := runewidth.StringWidth(s)
	if all <= width {
		return s
	}
	if width < 2 {
		return runewidth.Truncate(s, width, "…")
	}
	end := width / 2
	begin := width - 1 - end
	return runewidth.Truncate(s, begin, "") + "…" + runewidth.TruncateLeft(s, all-end, "")
}

// wrap cuts a text into lines of at most so many columns, behind a space, comma
// or slash where one is near the end.
func wrap(s string, width int) []string {
	var lines []string
	for {
		near := s[:before(s, 16*width)]
		if len(near) == len(s) && runewidth.StringWidth(s) <= width {
			return append(lines, s)
		}
		head := runewidth.Truncate(near, width, "")
		if head == "" { // a character wider than the line
			_, n := utf8.DecodeRuneInString(s)
			head = s[:n]
		}
		if i := strings.LastIndexAny(head, " ,/"); i >= len(head)*2/3 {
			head = head[:i+1]
		}
		lines = append(lines, strings.TrimRight(head, " "))
		s = s[len(head):]
	}
}

// before returns the last offset at or before i at which a character begins, at
// most the length of s.
func before(s string, i int) int {
	if i >= len(s) {
		return len(s)
	}
	for n := 1; n < utf8.UTFMax && i > 0 && !utf8.RuneStart(s[i]); n++ {
		i--
	}
	return i
}

// cellWidth returns how many columns a text takes, at most maxPad.
func cellWidth(s string) int {
	return min(maxPad, runewidth.StringWidth(s[:before(s, 16*maxPad)]))
}
