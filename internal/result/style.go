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

// wrap splits a text into lines of a maximum width, after a space, comma or
// slash if one is near the end.
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
