package splunktime

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parsedTime is what strptime found so far; -1 and nil mean nothing.
type parsedTime struct {
	year, month, day, yearDay  int
	hour, minute, second, nano int
	half                       int          // 0 am, 1 pm
	weekYear, weekday          int          // ISO 8601's year; 0 = Sunday
	weeks                      map[byte]int // by the variable: U, V or W; nil = none
	zone                       *time.Location
	epoch                      float64
	hasEpoch                   bool
}

// ParseTimeFormat reads text as strptime does. Without a zone in the text it
// is in now's; without a year, or without any date, now's are taken. A date
// needs its day: a year or a month alone is an error. Text behind the format's
// end does not matter.
func ParseTimeFormat(text, format string, now time.Time) (time.Time, error) {
	p := &parsedTime{year: -1, month: -1, day: -1, yearDay: -1, half: -1, weekYear: -1, weekday: -1}
	if format == "" {
		return time.Time{}, fmt.Errorf("the format is empty")
	}
	rest := text
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c == ' ' || c == '\t' || c == '\n' {
			rest = strings.TrimLeft(rest, " \t\n")
			continue
		}
		if c != '%' || i+1 == len(format) {
			if n := optionalFraction(format[i:]); n > 0 && (rest == "" || rest[0] != c) {
				i += n - 1
				continue
			}
			if rest == "" || rest[0] != c {
				return time.Time{}, fmt.Errorf("%q does not match the format %q", text, format)
			}
			rest = rest[1:]
			continue
		}
		v := timeVariable(format[i:])
		i += v.length - 1
		var ok bool
		if v.spec == "s" && subsecondNext(format[i+1:]) { // 1700000000123 as %s%3N
			rest, ok = p.seconds(rest, 10)
		} else {
			rest, ok = p.read(v.spec, rest)
		}
		if !ok {
			return time.Time{}, fmt.Errorf("%q does not match the format %q", text, format)
		}
	}
	return p.time(now)
}

func subsecondNext(format string) bool {
	if len(format) < 2 || format[0] != '%' {
		return false
	}
	_, ok := fraction(timeVariable(format).spec)
	return ok
}

// optionalFraction returns the length of a point or comma and the fraction of a
// second behind it, such as .%3N, with which a format may go on; texts may lack
// both.
func optionalFraction(format string) int {
	if format[0] != '.' && format[0] != ',' || !subsecondNext(format[1:]) {
		return 0
	}
	return 1 + timeVariable(format[1:]).length
}

// composed are variables that stand for several others.
var composed = map[string]string{
	"F": "%Y-%m-%d", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "x": "%m/%d/%y",
	"c": "%a %b %e %H:%M:%S %Y", "+": "%a %b %e %H:%M:%S %Z %Y", "r": "%I:%M:%S %p", "v": "%e-%b-%Y",
}

func (p *parsedTime) read(spec, s string) (rest string, ok bool) {
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
	case "w", "u":
		rest, ok = number(1, 0, 7, &p.weekday)
		p.weekday %= 7
		return rest, ok
	case "U", "W", "V":
		var week int
		rest, ok = number(2, 0, 53, &week)
		if p.weeks == nil {
			p.weeks = map[byte]int{}
		}
		p.weeks[spec[0]] = week
		return rest, ok
	case "G":
		return number(4, 0, 9999, &p.weekYear)
	case "g", "C":
		return number(2, 0, 99, &ignored)
	case "p", "P":
		return p.meridian(s)
	case "a", "A":
		p.weekday, rest, ok = named(s, func(i int) string { return time.Weekday(i).String() }, 7)
		return rest, ok
	case "b", "B", "h":
		var i int
		i, rest, ok = named(s, func(i int) string { return time.Month(i + 1).String() }, 12)
		p.month = i + 1
		return rest, ok
	case "s":
		return p.seconds(s, 18)
	case "z", ":z", "::z", ":::z", "Z":
		if rest, ok = p.offset(s); !ok {
			return p.zoneName(s)
		}
		return rest, ok
	case "Ez":
		return p.minutes(s)
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

// minutes reads an offset from UTC in minutes.
func (p *parsedTime) minutes(s string) (string, bool) {
	n := 0
	for n < len(s) && n < 4 && (isDigit(s[n]) || n == 0 && (s[n] == '-' || s[n] == '+')) {
		n++
	}
	v, err := strconv.Atoi(s[:n])
	p.zone = time.FixedZone("", v*60)
	return s[n:], err == nil && v >= -14*60 && v <= 14*60
}

func (p *parsedTime) seconds(s string, most int) (string, bool) {
	n := 0
	for n < len(s) && n < most && (isDigit(s[n]) || n == 0 && s[n] == '-') {
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

// zoneHours are the names of zones that texts write, in hours from UTC. Some
// have several meanings; American ones go first, then European ones.
var zoneHours = map[string]float64{
	"UTC": 0, "GMT": 0, "UT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"AKST": -9, "AKDT": -8, "HST": -10, "AST": -4, "ADT": -3, "NST": -3.5, "NDT": -2.5, "BRT": -3, "ART": -3, "CLT": -4,
	"WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "SAST": 2,
	"GST": 4, "PKT": 5, "IST": 5.5, "ICT": 7, "WIB": 7, "SGT": 8, "HKT": 8, "PHT": 8, "AWST": 8, "JST": 9, "KST": 9,
	"ACST": 9.5, "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}

func (p *parsedTime) zoneName(s string) (string, bool) {
	n := 0
	for n < len(s) && (s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || s[n] == '/' || s[n] == '_') {
		n++
	}
	name := s[:n]
	if hours, ok := zoneHours[strings.ToUpper(name)]; ok {
		p.zone = time.FixedZone(name, int(hours*3600))
		if rest, ok := p.offset(s[n:]); ok && hours == 0 { // GMT+0100
			return rest, true
		}
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
	p.byWeek()
	if p.year < 0 && p.month < 0 && p.day < 0 && p.yearDay < 0 {
		p.month, p.day = int(today.Month()), today.Day()
	}
	if p.day < 0 && p.yearDay < 0 {
		return time.Time{}, errors.New("a date needs its day")
	}
	if p.year < 0 {
		p.year = today.Year()
	}
	if p.half == 1 {
		p.hour += 12
	}
	month, day := max(p.month, 1), p.day
	if p.yearDay > 0 && p.month < 0 {
		month, day = 1, p.yearDay
	}
	t := time.Date(p.year, time.Month(month), day, p.hour, p.minute, p.second, p.nano, zone)
	if p.yearDay < 0 && (int(t.Month()) != month || t.Day() != day && p.second < 60 && p.hour < 24) {
		return time.Time{}, fmt.Errorf("there is no day %d in month %d of %d", day, month, p.year)
	}
	return t, nil
}

// byWeek finds the day from a year and the number of a week, whose first day
// is taken when none is named.
func (p *parsedTime) byWeek() {
	if p.month >= 0 || p.day >= 0 || p.yearDay >= 0 {
		return
	}
	year := p.year
	if p.weekYear >= 0 {
		year = p.weekYear
	}
	if year < 0 {
		return
	}
	var first time.Time // of week 1
	week, since := 0, max(p.weekday, 0)
	jan1 := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
	if n, ok := p.weeks['U']; ok {
		week, first = n, jan1.AddDate(0, 0, (7-int(jan1.Weekday()))%7)
	} else {
		if p.weekday >= 0 {
			since = (p.weekday + 6) % 7
		}
		if n, ok := p.weeks['W']; ok {
			week, first = n, jan1.AddDate(0, 0, (8-int(jan1.Weekday()))%7)
		} else if n, ok := p.weeks['V']; ok {
			week, first = n, jan1.AddDate(0, 0, 3-(int(jan1.AddDate(0, 0, 3).Weekday())+6)%7)
		} else {
			return
		}
	}
	day := first.AddDate(0, 0, 7*(week-1)+since)
	p.year, p.month, p.day = day.Year(), int(day.Month()), day.Day()
}
