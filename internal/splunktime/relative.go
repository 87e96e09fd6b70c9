// Package splunktime reads and writes times as Splunk does: relative times such
// as -1d@d, and the formats of strftime and strptime.
package splunktime

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a point in time as Splunk's time modifiers write it: "now",
// epoch seconds with or without a fraction, "-7d@d" and friends,
// "11/14/2023:22:15:00", RFC 3339 and ISO 8601 without a zone. The relative
// forms count from now in its location; texts without a zone are in it too.
func ParseTime(s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "" || strings.EqualFold(s, "now") || strings.EqualFold(s, "now()"):
		return now, nil
	case EpochLike(s):
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f > 253402300799 {
			return time.Time{}, fmt.Errorf("cannot read time %q: epoch seconds go up to 253402300799", s)
		}
		return FromEpoch(f).In(now.Location()), nil
	}
	if t, ok := AbsoluteTime(s, now.Location()); ok {
		return t, nil
	}
	return RelativeTime(s, now)
}

// AbsoluteTime reads a date, with a time or without one.
func AbsoluteTime(s string, loc *time.Location) (time.Time, bool) {
	for _, layout := range [...]string{"1/2/2006:15:4:5", "1/2/2006", time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02", "1/2/2006:15:4", "1/2/2006:15"} {
		if t, err := time.ParseInLocation(layout, s, loc); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// EpochLike reports whether s is written as seconds since 1970.
func EpochLike(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) && s[i] != '.' {
			return false
		}
	}
	return isDigit(s[0])
}

// FromEpoch returns the time of epoch seconds, to the microsecond.
func FromEpoch(f float64) time.Time {
	return time.UnixMicro(int64(math.Floor(f*1e6 + 0.5))).UTC()
}

// Epoch returns the epoch seconds of t.
func Epoch(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// RelativeTime applies a modifier such as -1d@d+2h to now: offsets and snaps
// in the order they are written, snaps always backwards, days and longer by
// the calendar of now's location.
func RelativeTime(s string, now time.Time) (time.Time, error) {
	fail := func() (time.Time, error) {
		return time.Time{}, fmt.Errorf(`cannot read time %q: use a form such as -24h, -7d@d, @w1, now, 2024-05-01T10:00:00Z, 05/01/2024:10:00:00 or epoch seconds`, s)
	}
	t, rest := now, strings.ToLower(strings.TrimSpace(s))
	if strings.HasPrefix(rest, "rt") {
		return time.Time{}, fmt.Errorf("cannot read time %q: real-time searches are not supported; without rt, the range ends now", s)
	}
	if rest == "" || len(rest) > 200 {
		return fail()
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "now"), "()")
	for rest != "" {
		switch rest[0] {
		case '@':
			unit, more := letters(rest[1:])
			if unit == "w" && more != "" && isDigit(more[0]) {
				unit, more = "w"+more[:1], more[1:]
			}
			var ok bool
			if t, ok = snap(t, unit); !ok {
				return fail()
			}
			rest = more
		case '+', '-':
			sign := 1
			if rest[0] == '-' {
				sign = -1
			}
			i := 1
			for i < len(rest) && isDigit(rest[i]) {
				i++
			}
			n := 1
			if i > 1 {
				var err error
				if n, err = strconv.Atoi(rest[1:i]); err != nil || n > 1e9 {
					return fail()
				}
			}
			unit, more := letters(rest[i:])
			var ok bool
			if t, ok = Shift(t, sign*n, unit); !ok {
				return fail()
			}
			rest = more
		default:
			return fail()
		}
	}
	return t, nil
}

func letters(s string) (word, rest string) {
	i := 0
	for i < len(s) && s[i] >= 'a' && s[i] <= 'z' {
		i++
	}
	return s[:i], s[i:]
}

// Unit returns the short name of a time unit written in any of Splunk's ways
// ("hrs" is "h"), or "".
func Unit(s string) string {
	switch strings.ToLower(s) {
	case "us", "ms", "cs", "ds":
		return strings.ToLower(s)
	case "s", "sec", "secs", "second", "seconds":
		return "s"
	case "m", "min", "mins", "minute", "minutes":
		return "m"
	case "h", "hr", "hrs", "hour", "hours":
		return "h"
	case "d", "day", "days":
		return "d"
	case "w", "week", "weeks":
		return "w"
	case "mon", "month", "months":
		return "mon"
	case "q", "qtr", "qtrs", "quarter", "quarters":
		return "q"
	case "y", "yr", "yrs", "year", "years":
		return "y"
	}
	return ""
}

var fixedUnits = map[string]time.Duration{
	"us": time.Microsecond, "ms": time.Millisecond, "cs": 10 * time.Millisecond, "ds": 100 * time.Millisecond,
	"s": time.Second, "m": time.Minute, "h": time.Hour,
}

// Shift adds n units to t; false for an unknown unit.
func Shift(t time.Time, n int, unit string) (time.Time, bool) {
	switch unit = Unit(unit); unit {
	case "d":
		return t.AddDate(0, 0, n), true
	case "w":
		return t.AddDate(0, 0, 7*n), true
	case "mon":
		return addMonths(t, n), true
	case "q":
		return addMonths(t, 3*n), true
	case "y":
		return addMonths(t, 12*n), true
	}
	d, ok := fixedUnits[unit]
	if n != 0 && d > (1<<62)/time.Duration(max(n, -n)) {
		return t, false
	}
	return t.Add(time.Duration(n) * d), ok
}

// addMonths keeps the day of the month, or takes the last day of a month that
// is too short for it.
func addMonths(t time.Time, n int) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// Snap rounds t down to a unit, which may be w0 to w7 for a day of the week.
func snap(t time.Time, unit string) (time.Time, bool) {
	midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
	if len(unit) == 2 && unit[0] == 'w' && unit[1] >= '0' && unit[1] <= '7' {
		back := (int(midnight.Weekday()) - int(unit[1]-'0') + 14) % 7
		return midnight.AddDate(0, 0, -back), true
	}
	switch unit = Unit(unit); unit {
	case "s", "m", "ms", "us", "cs", "ds":
		return t.Truncate(fixedUnits[unit]), true
	case "h":
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, t.Location()), true
	case "d":
		return midnight, true
	case "w":
		return midnight.AddDate(0, 0, -int(midnight.Weekday())), true
	case "mon":
		return midnight.AddDate(0, 0, 1-t.Day()), true
	case "q":
		return time.Date(t.Year(), (t.Month()-1)/3*3+1, 1, 0, 0, 0, 0, t.Location()), true
	case "y":
		return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, t.Location()), true
	}
	return t, false
}

func isDigit(c byte) bool { return c-'0' <= 9 }
