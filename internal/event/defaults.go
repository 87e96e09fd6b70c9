package event

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unsafe"
)

// defaultNames are the fields that every event has beside its own.
var defaultNames = []string{
	Time, Raw, IndexTime, Source, Host, Sourcetype, Index, "linecount",
	"date_hour", "date_mday", "date_minute", "date_month", "date_second", "date_wday", "date_year", "date_zone",
}

var isDefault = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range defaultNames {
		m[n] = true
	}
	return m
}()

func defaultField(name string) bool { return isDefault[name] }

// alwaysKnown reports whether a default field never gives way to one of the
// record's with the same name.
func alwaysKnown(name string) bool { return name[0] == '_' || name == "linecount" }

func timeRelated(name string) bool { return name == Time || strings.HasPrefix(name, "date_") }

// defaultValue computes a default field; false lets the record's own stand.
func (x *Extractor) defaultValue(name string, raw []byte, m *Meta, row *Row) (Cell, bool) {
	switch name {
	case Raw:
		return one(unsafe.String(unsafe.SliceData(raw), len(raw))), true
	case Index:
		return one(m.Index), m.Index != ""
	case Sourcetype:
		return one(m.Sourcetype), m.Sourcetype != ""
	case Source:
		return one(m.Source), m.Source != ""
	case Host:
		return one(m.Host), m.Host != ""
	case IndexTime:
		return one(strconv.FormatFloat(m.IndexTime, 'f', -1, 64)), m.IndexTime != 0
	case "linecount":
		return one(strconv.Itoa(1 + bytes.Count(raw, []byte{'\n'}))), true
	}
	w := row.time(m)
	if name == Time {
		return one(seconds(w.ns)), true
	}
	if !w.own { // the parts of the date are those written in the record
		return Cell{}, false
	}
	return one(datePart(name, w.date)), true
}

// when is the time of a record, found once for all fields made of it.
type when struct {
	known bool
	own   bool // the record says it
	ns    int64
	date  time.Time
}

func (r *Row) time(m *Meta) *when {
	w := &r.when
	if !w.known {
		w.known = true
		if w.ns, w.own = timeIn(r.cells); !w.own {
			w.ns = m.Fallback
		}
		w.date = time.Unix(0, w.ns).UTC()
	}
	return w
}

var (
	months   = [...]string{1: "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
)

func datePart(name string, t time.Time) string {
	switch name {
	case "date_hour":
		return strconv.Itoa(t.Hour())
	case "date_mday":
		return strconv.Itoa(t.Day())
	case "date_minute":
		return strconv.Itoa(t.Minute())
	case "date_month":
		return months[t.Month()]
	case "date_second":
		return strconv.Itoa(t.Second())
	case "date_wday":
		return weekdays[t.Weekday()]
	case "date_year":
		return strconv.Itoa(t.Year())
	}
	return "0" // date_zone: CloudTrail's times are UTC
}

// dateParts are the fields made of the time of a record, each with the span of
// time in which it stays the same.
var dateParts = map[string]time.Duration{
	"date_second": time.Second, "date_minute": time.Minute, "date_hour": time.Hour, "date_mday": 24 * time.Hour,
	"date_wday": 24 * time.Hour, "date_month": 24 * time.Hour, "date_year": 24 * time.Hour, "date_zone": 24 * time.Hour,
}

// DatePart returns the span of time, a part of every longer one, in which a
// field made of the time of a record stays the same; ok is false for other
// fields.
func DatePart(name string) (span time.Duration, ok bool) {
	span, ok = dateParts[name]
	return span, ok
}

// DateAt returns a field of DatePart for a record whose own time is ns, in unix
// nanoseconds.
func DateAt(name string, ns int64) string { return datePart(name, time.Unix(0, ns).UTC()) }

// IsDefault reports whether a field is one that every event has.
func IsDefault(name string) bool { return isDefault[name] }
