package event

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// timeFields are the places of a record's time, in order of precedence. An
// event that covers a time span counts at its start; a finding counts at its
// last update.
var timeFields = []string{
	"eventTime", "_time", "timestamp", "@timestamp", "time",
	"timeWindow.windowStart", "updatedAt", "UpdatedAt", "Timestamp", "timeWindow.windowEnd", "createdAt", "CreatedAt",
}

// timer finds the time of a record.
var timer = newReader(timeFields...)

// TimeOf returns the time of a record in unix nanoseconds: the first of
// timeFields that parses as a time. ok is false if none does.
func TimeOf(raw []byte) (ns int64, ok bool) {
	timer.read(raw, func(cells []Cell) { ns, ok = timeIn(cells) })
	return ns, ok
}

// timeIn parses the first time in the cells of timeFields.
func timeIn(cells []Cell) (int64, bool) {
	for i := range timeFields {
		if cells[i].Set {
			if ns, ok := parseTime(cells[i].first()); ok {
				return ns, true
			}
		}
	}
	return 0, false
}

// parseTime parses RFC 3339 and its variants, and epoch seconds, milli-, micro-
// and nanoseconds, which it distinguishes by magnitude.
func parseTime(s string) (int64, bool) {
	if ns, ok := parseUTC(s); ok {
		return ns, true
	}
	if len(s) < 8 || len(s) > 64 {
		return 0, false
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		return epochNanos(s, f)
	}
	for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999 MST"} {
		if t, err := time.Parse(layout, s); err == nil {
			return nanos(t)
		}
	}
	return 0, false
}

func nanos(t time.Time) (int64, bool) {
	if y := t.Year(); y < 1678 || y > 2261 { // the range of int64 nanoseconds
		return 0, false
	}
	return t.UnixNano(), true
}

func epochNanos(s string, f float64) (int64, bool) {
	unit := 1.0
	switch a := math.Abs(f); {
	case math.IsNaN(f) || a > 9e18:
		return 0, false
	case a >= 1e17:
		unit = 1
	case a >= 1e14:
		unit = 1e3
	case a >= 1e11:
		unit = 1e6
	default:
		unit = 1e9
	}
	if whole, frac, _ := strings.Cut(s, "."); unit == 1e9 && !strings.ContainsAny(s, "eE") {
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil || n > 9223372036 || n < -9223372036 {
			return 0, false
		}
		part, _ := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
		if strings.HasPrefix(s, "-") {
			part = -part
		}
		return n*1e9 + part, true
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n * int64(unit), true
	}
	return int64(f * unit), true
}

// parseUTC parses 2006-01-02T15:04:05Z, the format of CloudTrail.
func parseUTC(s string) (int64, bool) {
	if len(s) != 20 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != 'Z' {
		return 0, false
	}
	num := func(i, n int) int {
		v := 0
		for _, c := range []byte(s[i : i+n]) {
			if c-'0' > 9 {
				return -1
			}
			v = v*10 + int(c-'0')
		}
		return v
	}
	y, mo, d, h, mi, sec := num(0, 4), num(5, 2), num(8, 2), num(11, 2), num(14, 2), num(17, 2)
	if y < 1678 || y > 2261 || mo < 1 || mo > 12 || d < 1 || d > 31 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 || sec > 60 {
		return 0, false
	}
	if d > 28 && time.Date(y, time.Month(mo), d, 0, 0, 0, 0, time.UTC).Day() != d {
		return 0, false
	}
	return (daysSinceEpoch(y, mo, d)*86400 + int64(h*3600+mi*60+sec)) * 1e9, true
}

// daysSinceEpoch counts days from 1970-01-01 in the Gregorian calendar. It
// starts years in March so that the leap day comes last.
func daysSinceEpoch(y, m, d int) int64 {
	if m <= 2 {
		y--
		m += 12
	}
	return int64(365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + d - 719469)
}

// seconds formats nanoseconds as epoch seconds, with a fraction if there is
// one.
func seconds(ns int64) string {
	if ns%1e9 == 0 {
		return strconv.FormatInt(ns/1e9, 10)
	}
	neg := ""
	if ns < 0 {
		neg, ns = "-", -ns
	}
	frac := strconv.FormatInt(1e9+ns%1e9, 10)[1:]
	return neg + strconv.FormatInt(ns/1e9, 10) + "." + strings.TrimRight(frac, "0")
}

// Seconds formats unix nanoseconds as _time displays them.
func Seconds(ns int64) string { return seconds(ns) }
