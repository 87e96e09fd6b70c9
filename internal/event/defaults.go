package event

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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

// Server is the splunk_server of every event.
const Server = "local"

// requested are default fields that, for what they cost and how seldom they are
// read, are made only for who names them; the record's own go first.
var requested = map[string]func(raw []byte, row *Row) Cell{
	"splunk_server": func([]byte, *Row) Cell { return one(Server) },
	"punct":         func(raw []byte, _ *Row) Cell { return one(punct(raw)) },
	"timestartpos":  func(raw []byte, row *Row) Cell { start, _ := timePlace(raw, row); return start },
	"timeendpos":    func(raw []byte, row *Row) Cell { _, end := timePlace(raw, row); return end },
}

func defaultField(name string) bool { return isDefault[name] || requested[name] != nil }

// OnRequest reports whether a field is made only for who names it.
func OnRequest(name string) bool {
	d := Addon(name)
	return requested[name] != nil || d != nil && d.OnRequest
}

// maxPunct is how many characters of punctuation punct keeps.
const maxPunct = 30

// punct is the punctuation of the first line: letters and digits are left out,
// a blank is an underscore and a tab a t.
func punct(raw []byte) string {
	var b strings.Builder
	n := 0
	for _, r := range string(raw[:min(len(raw), 64<<10)]) {
		switch {
		case r == '\n' || r == '\r' || n == maxPunct:
			return b.String()
		case r == ' ':
			r = '_'
		case r == '\t':
			r = 't'
		case r < ' ' || unicode.IsLetter(r) || unicode.IsDigit(r) || r == utf8.RuneError:
			continue
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}

// timePlace is where the time of a record stands in its text: the first byte
// and the one behind the last.
func timePlace(raw []byte, row *Row) (start, end Cell) {
	for i := range timeFields {
		text := row.cells[i].first()
		if _, ok := parseTime(text); !row.cells[i].Set || !ok {
			continue
		}
		if at := bytes.Index(raw, []byte(text)); at >= 0 {
			return one(strconv.Itoa(at)), one(strconv.Itoa(at + len(text)))
		}
		break
	}
	return Cell{}, Cell{}
}

// alwaysKnown reports whether a default field never gives way to one of the
// record's with the same name.
func alwaysKnown(name string) bool { return name[0] == '_' || name == "linecount" }

func timeRelated(name string) bool {
	return name == Time || strings.HasPrefix(name, "date_") || name == "timestartpos" || name == "timeendpos"
}

// defaultValue computes a default field; false lets the record's own stand.
func (x *Extractor) defaultValue(name string, raw []byte, m *Meta, row *Row) (Cell, bool) {
	if compute := requested[name]; compute != nil {
		return compute(raw, row), true
	}
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
		return one(strconv.FormatInt(int64(m.IndexTime), 10)), m.IndexTime != 0
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
func IsDefault(name string) bool { return defaultField(name) }
