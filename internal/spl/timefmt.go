package spl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// maxTimeText bounds what FormatTime writes.
const maxTimeText = 4096

// FormatTime writes t as Splunk's strftime does: %Y-%m-%dT%H:%M:%S.%3N%:z and
// so on; %N is nanoseconds and %Q milliseconds unless a digit says how many.
// What is no known variable stands as it is written.
func FormatTime(t time.Time, format string) string {
	var b strings.Builder
	for i := 0; i < len(format) && b.Len() < maxTimeText; i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		spec, n := timeVariable(format[i:])
		if text, ok := formatVariable(t, spec); ok {
			b.WriteString(text)
		} else {
			b.WriteString(format[i : i+n])
		}
		i += n - 1
	}
	return b.String()
}

// timeVariable reads the variable at the start of s, which begins with %: its
// letter with the colons, digit or E before it, and its length with the %.
func timeVariable(s string) (spec string, n int) {
	n = 1
	for n < len(s)-1 && (s[n] == ':' || isDigit(s[n]) || s[n] == 'E' && n+1 < len(s) && strings.IndexByte("cCxXyYd", s[n+1]) >= 0 || s[n] == '-') {
		n++
	}
	return strings.TrimPrefix(s[1:n+1], "E"), n + 1
}

// layouts are the variables that the library knows as layouts.
var layouts = map[string]string{
	"Y": "2006", "y": "06", "m": "01", "d": "02", "e": "_2", "H": "15", "I": "03", "M": "04", "S": "05", "p": "PM",
	"j": "002", "a": "Mon", "A": "Monday", "b": "Jan", "h": "Jan", "B": "January", "F": "2006-01-02", "T": "15:04:05", "R": "15:04",
	"D": "01/02/06", "z": "-0700", ":z": "-07:00", "::z": "-07:00:00", "Z": "MST", "c": "Mon Jan _2 15:04:05 2006",
	"x": "01/02/06", "X": "15:04:05", "+": "Mon Jan _2 15:04:05 MST 2006", "r": "03:04:05 PM",
	"-d": "2", "-m": "1", "-I": "3", "-M": "4", "-S": "5",
}

func formatVariable(t time.Time, spec string) (string, bool) {
	layout := layouts[spec]
	if layout != "" {
		return t.Format(layout), true
	}
	switch spec {
	case "%":
		return "%", true
	case "n":
		return "\n", true
	case "t":
		return "\t", true
	case "s":
		return strconv.FormatInt(t.Unix(), 10), true
	case "f":
		return fmt.Sprintf("%06d", t.Nanosecond()/1000), true
	case "k":
		return fmt.Sprintf("%2d", t.Hour()), true
	case "-H":
		return strconv.Itoa(t.Hour()), true
	case "l":
		return fmt.Sprintf("%2d", (t.Hour()+11)%12+1), true
	case "w":
		return strconv.Itoa(int(t.Weekday())), true
	case "u":
		return strconv.Itoa((int(t.Weekday())+6)%7 + 1), true
	case "U":
		return fmt.Sprintf("%02d", (t.YearDay()+6-int(t.Weekday()))/7), true
	case "W":
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7), true
	case "V":
		_, week := t.ISOWeek()
		return fmt.Sprintf("%02d", week), true
	case "G":
		year, _ := t.ISOWeek()
		return fmt.Sprintf("%04d", year), true
	case "C":
		return fmt.Sprintf("%02d", t.Year()/100), true
	}
	if digits, ok := fraction(spec); ok {
		return fmt.Sprintf("%09d", t.Nanosecond())[:digits], true
	}
	return "", false
}

// fraction reads N, 3N, Q, 6Q …: how many digits of the second are meant.
func fraction(spec string) (digits int, ok bool) {
	if spec == "" || spec[len(spec)-1] != 'N' && spec[len(spec)-1] != 'Q' {
		return 0, false
	}
	switch width := spec[:len(spec)-1]; {
	case width == "" && strings.HasSuffix(spec, "N"):
		return 9, true
	case width == "":
		return 3, true
	case len(width) == 1 && isDigit(width[0]) && width[0] > '0':
		return int(width[0] - '0'), true
	}
	return 0, false
}

// parsedTime is what strptime found so far; -1 and nil mean nothing.
type parsedTime struct {
	year, month, day, yearDay  int
	hour, minute, second, nano int
	half                       int // 0 am, 1 pm
	zone                       *time.Location
	epoch                      float64
	hasEpoch                   bool
}

// ParseTimeFormat reads text as strptime does. Without a zone in the text it
// is in now's; without a year, or without any date, now's are taken; other
// parts that are missing are the first there are. What stands behind the
// format's end does not matter.
func ParseTimeFormat(text, format string, now time.Time) (time.Time, error) {
	p := &parsedTime{year: -1, month: -1, day: -1, yearDay: -1, half: -1}
	rest := text
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c == ' ' || c == '\t' || c == '\n' {
			rest = strings.TrimLeft(rest, " \t\n")
			continue
		}
		if c != '%' || i+1 == len(format) {
			if rest == "" || rest[0] != c {
				return time.Time{}, fmt.Errorf("%q is not in the form %q", text, format)
			}
			rest = rest[1:]
			continue
		}
		spec, n := timeVariable(format[i:])
		i += n - 1
		var ok bool
		if rest, ok = p.read(spec, rest); !ok {
			return time.Time{}, fmt.Errorf("%q is not in the form %q", text, format)
		}
	}
	return p.time(now)
}

// composed are variables that stand for several others.
var composed = map[string]string{
	"F": "%Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "x": "%m/%d/%y",
	"c": "%a %b %e %H:%M:%S %Y", "+": "%a %b %e %H:%M:%S %Z %Y", "r": "%I:%M:%S %p",
}

func (p *parsedTime) read(spec, s string) (rest string, ok bool) {
	spec = strings.TrimPrefix(spec, "-")
	if format := composed[spec]; format != "" {
		for i := 0; i < len(format); i++ {
			switch {
			case format[i] == '%':
				i++
				if s, ok = p.read(format[i:i+1], s); !ok {
					return s, false
				}
			case format[i] == ' ':
				s = strings.TrimLeft(s, " ")
			case s == "" || s[0] != format[i]:
				return s, false
			default:
				s = s[1:]
			}
		}
		return s, true
	}
	number := func(width, low, high int, dst *int) (string, bool) {
		s = strings.TrimLeft(s, " ")
		n := 0
		for n < len(s) && n < width && isDigit(s[n]) {
			n++
		}
		v, err := strconv.Atoi(s[:n])
		*dst = v
		return s[n:], err == nil && v >= low && v <= high
	}
	var ignored int
	switch spec {
	case "Y":
		return number(4, 0, 9999, &p.year)
	case "y":
		rest, ok = number(2, 0, 99, &p.year)
		if p.year += 2000; p.year >= 2069 {
			p.year -= 100
		}
		return rest, ok
	case "m":
		return number(2, 1, 12, &p.month)
	case "d", "e":
		return number(2, 1, 31, &p.day)
	case "H", "k":
		return number(2, 0, 23, &p.hour)
	case "I", "l":
		if p.half < 0 {
			p.half = 0
		}
		rest, ok = number(2, 1, 12, &p.hour)
		p.hour %= 12
		return rest, ok
	case "M":
		return number(2, 0, 59, &p.minute)
	case "S":
		return number(2, 0, 60, &p.second)
	case "j":
		return number(3, 1, 366, &p.yearDay)
	case "w", "u", "U", "W", "V":
		return number(2, 0, 53, &ignored)
	case "G":
		return number(4, 0, 9999, &ignored)
	case "p":
		return p.meridian(s)
	case "a", "A":
		_, rest, ok = named(s, func(i int) string { return time.Weekday(i).String() }, 7)
		return rest, ok
	case "b", "B", "h":
		var i int
		i, rest, ok = named(s, func(i int) string { return time.Month(i + 1).String() }, 12)
		p.month = i + 1
		return rest, ok
	case "s":
		return p.seconds(s)
	case "z", ":z", "::z":
		return p.offset(s)
	case "Z":
		return p.zoneName(s)
	case "f":
		return p.subsecond(s, 6)
	case "%":
		return strings.TrimPrefix(s, "%"), strings.HasPrefix(s, "%")
	case "n", "t":
		return strings.TrimLeft(s, " \t\n"), true
	}
	if digits, ok := fraction(spec); ok {
		return p.subsecond(s, digits)
	}
	return s, false
}

func (p *parsedTime) meridian(s string) (string, bool) {
	if len(s) < 2 {
		return s, false
	}
	switch strings.ToLower(s[:2]) {
	case "am":
		p.half = 0
	case "pm":
		p.half = 1
	default:
		return s, false
	}
	return s[2:], true
}

// named reads one of n names, whole or its first three letters, in any case.
func named(s string, name func(int) string, n int) (i int, rest string, ok bool) {
	for i := range n {
		full := name(i)
		for _, form := range []string{full, full[:3]} {
			if len(s) >= len(form) && strings.EqualFold(s[:len(form)], form) {
				return i, s[len(form):], true
			}
		}
	}
	return 0, s, false
}

func (p *parsedTime) seconds(s string) (string, bool) {
	n := 0
	for n < len(s) && n < 18 && (isDigit(s[n]) || n == 0 && s[n] == '-') {
		n++
	}
	v, err := strconv.ParseInt(s[:n], 10, 64)
	p.epoch, p.hasEpoch = float64(v), true
	return s[n:], err == nil
}

// subsecond reads up to nine digits; fewer than digits are fine.
func (p *parsedTime) subsecond(s string, digits int) (string, bool) {
	n := 0
	for n < len(s) && n < max(digits, 1) && isDigit(s[n]) {
		n++
	}
	if n == 0 {
		return s, false
	}
	v, _ := strconv.Atoi(s[:n])
	p.nano = v * int(math.Pow10(9-n))
	for n < len(s) && isDigit(s[n]) && n < 18 { // digits beyond what was asked for
		n++
	}
	return s[n:], true
}

func (p *parsedTime) offset(s string) (string, bool) {
	if strings.HasPrefix(s, "Z") {
		p.zone = time.UTC
		return s[1:], true
	}
	if len(s) < 3 || s[0] != '+' && s[0] != '-' {
		return s, false
	}
	sign := 1
	if s[0] == '-' {
		sign = -1
	}
	var parts [3]int
	rest := s[1:]
	n := 0
	for ; n < 3 && len(rest) >= 2 && isDigit(rest[0]) && isDigit(rest[1]); n++ {
		parts[n], _ = strconv.Atoi(rest[:2])
		rest = rest[2:]
		if len(rest) >= 3 && rest[0] == ':' && isDigit(rest[1]) {
			rest = rest[1:]
		}
	}
	if n == 0 || parts[0] > 14 || parts[1] > 59 || parts[2] > 59 {
		return s, false
	}
	p.zone = time.FixedZone("", sign*(parts[0]*3600+parts[1]*60+parts[2]))
	return rest, true
}

func (p *parsedTime) zoneName(s string) (string, bool) {
	n := 0
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] == '/' || s[n] == '_') {
		n++
	}
	known := map[string]int{"UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "CET": 1, "CEST": 2, "BST": 1, "JST": 9, "IST": 5}
	name := s[:n]
	if h, ok := known[strings.ToUpper(name)]; ok {
		seconds := h * 3600
		if name == "IST" {
			seconds += 1800
		}
		p.zone = time.FixedZone(name, seconds)
		return s[n:], true
	}
	if n == 0 || !strings.Contains(name, "/") || len(name) > 40 {
		return s, false
	}
	loc, err := time.LoadLocation(name)
	p.zone = loc
	return s[n:], err == nil
}

func (p *parsedTime) time(now time.Time) (time.Time, error) {
	if p.hasEpoch {
		return time.Unix(int64(p.epoch), int64(p.nano)).In(now.Location()), nil
	}
	zone := p.zone
	if zone == nil {
		zone = now.Location()
	}
	today := now.In(zone)
	if p.year < 0 && p.month < 0 && p.day < 0 && p.yearDay < 0 {
		p.month, p.day = int(today.Month()), today.Day()
	}
	if p.year < 0 {
		p.year = today.Year()
	}
	if p.half == 1 {
		p.hour += 12
	}
	month, day := max(p.month, 1), max(p.day, 1)
	if p.yearDay > 0 && p.month < 0 {
		month, day = 1, p.yearDay
	}
	t := time.Date(p.year, time.Month(month), day, p.hour, p.minute, p.second, p.nano, zone)
	if p.yearDay < 0 && (int(t.Month()) != month || t.Day() != day && p.second < 60 && p.hour < 24) {
		return time.Time{}, fmt.Errorf("there is no day %d in month %d of %d", day, month, p.year)
	}
	return t, nil
}
