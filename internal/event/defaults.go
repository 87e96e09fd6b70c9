package event

import (
	"bytes"
	"strconv"
	"strings"
	"time"
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
		return one(string(raw)), true
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
	ns, ok := timeIn(row.cells)
	if !ok {
		ns = m.Fallback
	}
	if name == Time {
		return one(seconds(ns)), true
	}
	if !ok { // the parts of the date are those written in the record
		return Cell{}, false
	}
	return one(datePart(name, time.Unix(0, ns).UTC())), true
}

func datePart(name string, t time.Time) string {
	switch name {
	case "date_hour":
		return strconv.Itoa(t.Hour())
	case "date_mday":
		return strconv.Itoa(t.Day())
	case "date_minute":
		return strconv.Itoa(t.Minute())
	case "date_month":
		return strings.ToLower(t.Month().String())
	case "date_second":
		return strconv.Itoa(t.Second())
	case "date_wday":
		return strings.ToLower(t.Weekday().String())
	case "date_year":
		return strconv.Itoa(t.Year())
	}
	return "0" // date_zone: CloudTrail's times are UTC
}

// IsDefault reports whether a field is one that every event has.
func IsDefault(name string) bool { return isDefault[name] }
