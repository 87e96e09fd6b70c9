package result

import (
	"strings"

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

// colour returns how a value is drawn, "" as the rest. Errors and severities
// stand out.
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

// paint draws a text in a style where the output has colours.
func (o *Options) paint(style, s string) string {
	if style == "" || !o.Colour || s == "" {
		return s
	}
	return style + s + plain
}

// shorten takes characters out of the middle of a text until it is at most so
// wide: the beginning and the end of an ARN or a user agent tell most.
func shorten(s string, width int) string {
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
	for runewidth.StringWidth(s) > width {
		head := runewidth.Truncate(s, width, "")
		if head == "" {
			break // a character wider than the line
		}
		if i := strings.LastIndexAny(head, " ,/"); i >= len(head)*2/3 {
			head = head[:i+1]
		}
		lines = append(lines, strings.TrimRight(head, " "))
		s = s[len(head):]
	}
	return append(lines, s)
}
