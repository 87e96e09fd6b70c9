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

// defaultValue computes a default field; false keeps a record leaf with the
// same name.
type defaultValue func(raw []byte, m *Meta, row *Row) (Cell, bool)

// Server is the splunk_server of every event.
const Server = "local"

func init() {
	meta := func(text func(m *Meta) string) defaultValue {
		return func(_ []byte, m *Meta, _ *Row) (Cell, bool) {
			s := text(m)
			return one(s), s != ""
		}
	}
	Register(group(GroupDefault, []Field{
		{Name: Time, Type: Moment, From: timeFields, timed: true, value: func(_ []byte, m *Meta, row *Row) (Cell, bool) { return one(seconds(row.time(m).ns)), true },
			Doc: "When the event happened, in seconds since 1970: the first of these leaves that is a valid time, otherwise the delivery time in the file's name, otherwise the file's modification time."},
		{Name: Raw, text: true, value: func(raw []byte, _ *Meta, _ *Row) (Cell, bool) {
			return one(unsafe.String(unsafe.SliceData(raw), len(raw))), true
		}, Doc: "The record's JSON exactly as it was delivered."},
		{Name: IndexTime, Type: Moment, value: func(_ []byte, m *Meta, _ *Row) (Cell, bool) {
			return one(strconv.FormatInt(int64(m.IndexTime), 10)), m.IndexTime != 0
		}, Doc: "When the event was ingested, in seconds since 1970; missing for events read from files."},
		{Name: Source, keepOwn: true, value: meta(func(m *Meta) string { return m.Source }), Doc: "The file or stream that contained the record."},
		{Name: Host, keepOwn: true, value: meta(func(m *Meta) string { return m.Host }), Doc: "The origin of the event; `" + DefaultHost + "` unless another is set."},
		{Name: Sourcetype, keepOwn: true, value: meta(func(m *Meta) string { return m.Sourcetype }), Doc: "The type of the record: `" + CloudTrail + "`, `" + Aggregated + "` for aggregated data events, `" + SecurityLake + "` for CloudTrail in OCSF, otherwise `" + JSON + "`."},
		{Name: Index, keepOwn: true, value: meta(func(m *Meta) string { return m.Index }), Doc: "The index of the event; `" + DefaultIndex + "` unless another is set."},
		{Name: "linecount", Type: Number, text: true, value: func(raw []byte, _ *Meta, _ *Row) (Cell, bool) {
			return one(strconv.Itoa(1 + bytes.Count(raw, []byte{'\n'}))), true
		}, Doc: "The number of lines in the record."},
		datePart("date_hour", Number, time.Hour, "The hour, 0 to 23.", func(t time.Time) string { return strconv.Itoa(t.Hour()) }),
		datePart("date_mday", Number, day, "The day of the month.", func(t time.Time) string { return strconv.Itoa(t.Day()) }),
		datePart("date_minute", Number, time.Minute, "The minute.", func(t time.Time) string { return strconv.Itoa(t.Minute()) }),
		datePart("date_month", Text, day, "The name of the month, in lower case.", func(t time.Time) string { return months[t.Month()] }),
		datePart("date_second", Number, time.Second, "The second.", func(t time.Time) string { return strconv.Itoa(t.Second()) }),
		datePart("date_wday", Text, day, "The name of the weekday, in lower case.", func(t time.Time) string { return weekdays[t.Weekday()] }),
		datePart("date_year", Number, day, "The year.", func(t time.Time) string { return strconv.Itoa(t.Year()) }),
		datePart("date_zone", Number, day, "Minutes from UTC: always 0, since CloudTrail times are in UTC.", func(time.Time) string { return "0" }),
	})...)
	// These are expensive and rarely used, so they are computed only for
	// searches that name them.
	Register(group(GroupDefault, onRequest([]Field{
		{Name: "splunk_server", keepOwn: true, value: func([]byte, *Meta, *Row) (Cell, bool) { return one(Server), true }, Doc: "Always `" + Server + "`."},
		{Name: "punct", keepOwn: true, text: true, value: func(raw []byte, _ *Meta, _ *Row) (Cell, bool) { return one(punct(raw)), true },
			Doc: "The punctuation at the start of the record."},
		{Name: "timestartpos", Type: Number, From: timeFields, keepOwn: true, timed: true, text: true, value: func(raw []byte, _ *Meta, row *Row) (Cell, bool) {
			start, _ := timePlace(raw, row)
			return start, true
		}, Doc: "Byte offset at which the time starts in the record."},
		{Name: "timeendpos", Type: Number, From: timeFields, keepOwn: true, timed: true, text: true, value: func(raw []byte, _ *Meta, row *Row) (Cell, bool) {
			_, end := timePlace(raw, row)
			return end, true
		}, Doc: "Byte offset at which the time ends in the record."},
	}))...)
}

const day = 24 * time.Hour

// datePart is a field computed from the date in the record.
func datePart(name string, t Type, span time.Duration, doc string, part func(time.Time) string) Field {
	return Field{Name: name, Type: t, Doc: doc, From: timeFields, timed: true, keepOwn: true, span: span, part: part, value: func(_ []byte, m *Meta, row *Row) (Cell, bool) {
		w := row.time(m)
		if !w.own {
			return Cell{}, false
		}
		return one(part(w.date)), true
	}}
}

// DateAt returns a field of DatePart for a record whose own time is ns, in unix
// nanoseconds.
func DateAt(name string, ns int64) string {
	return catalogue.byName[name].part(time.Unix(0, ns).UTC())
}

// when is the time of a record, parsed once for all fields that depend on it.
type when struct {
	known bool
	own   bool // the record contains it
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

// maxPunct is the maximum length of punct in characters.
const maxPunct = 30

// punct is the punctuation of the first line: letters and digits are dropped, a
// blank becomes an underscore and a tab a t.
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

// timePlace is the position of the time in a record's text: the first byte and
// the one after the last.
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
