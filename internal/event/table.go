package event

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"bluetrail/internal/jsonscan"
)

// table is a CSV file of events: the console's event history, results of
// CloudTrail Lake and Athena, or exports of Splunk, Logs Insights and
// CloudWatch.
type table struct {
	rows  *csv.Reader
	input *metered
	names []string // of the record's members
	base  int64    // offset of the table in the input
	first int      // line number of its start
}

// maxHeader bounds the first line of a table.
const maxHeader = 64 << 10

// recordColumns are the columns that hold a whole record, by their names in
// lower case without spaces.
var recordColumns = map[string]string{
	"_raw": "_raw", "eventjson": "eventJson", "cloudtrailevent": "CloudTrailEvent", "@message": "@message", "event.original": "event.original", "message": "message",
}

// newTable returns the table that begins with head; nil if it is not a table of
// events.
func (d *Decoder) newTable(head []byte) *table {
	line, _, _ := bytes.Cut(head[:min(len(head), maxHeader)], []byte{'\n'})
	r := csv.NewReader(bytes.NewReader(line))
	names, err := r.Read()
	if err != nil {
		return nil
	}
	t := &table{first: d.lines + 1, base: d.offset()}
	has := map[string]bool{}
	for _, n := range names {
		plain := strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(strings.Trim(n, " \ufeff")))
		has[plain] = true
		switch {
		case recordColumns[plain] != "":
			n = recordColumns[plain]
		case columns[plain] != "":
			n = columns[plain]
		}
		t.names = append(t.names, n)
	}
	record := has["_raw"] || has["eventjson"] || has["cloudtrailevent"] || has["@message"] || has["event.original"] || has["message"] && has["timestamp"]
	if !record && !(has["eventname"] && (has["eventtime"] || has["eventid"])) {
		return nil
	}
	return t
}

// row reads the next row of the table.
func (d *Decoder) row() (Record, bool, error) {
	t := d.table
	if t.rows == nil {
		t.input = &metered{in: d.behind()}
		t.rows = csv.NewReader(t.input)
		t.rows.FieldsPerRecord, t.rows.LazyQuotes, t.rows.ReuseRecord = -1, true, true
		t.input.left = d.lim.MaxRecord
		if _, err := t.rows.Read(); err != nil { // the names
			return Record{}, false, err
		}
	}
	t.input.left = d.lim.MaxRecord
	at := t.base + t.rows.InputOffset()
	values, err := t.rows.Read()
	var fault *csv.ParseError
	switch {
	case errors.As(err, &fault) && !errors.Is(err, errRowTooLong):
		return Record{}, false, &RecordError{Offset: at, Line: t.first + fault.StartLine - 1, Err: fault.Err}
	case err != nil && err != io.EOF:
		return Record{}, false, fmt.Errorf("byte %d: %w", at, err)
	case err != nil:
		return Record{}, false, err
	}
	raw := rebuild(t.names, values)
	if raw == nil {
		return Record{}, false, nil // a row without values
	}
	return Record{}, false, d.enter(&payload{text: raw, opening: openAny, at: at})
}

// metered limits how much is read for one row.
type metered struct {
	in   io.Reader
	left int
}

var errRowTooLong = errors.New("a row of the table is too long")

func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, errRowTooLong
	}
	n, err := m.in.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// tableRow reads one row of a query's result: a list of fields, each with its
// name and value as Logs Insights writes it, or keyed by name as in CloudTrail
// Lake.
func (d *Decoder) tableRow() (Record, bool, error) {
	at := d.offset()
	val, err := d.value()
	if err != nil {
		if d.readErr != nil && errors.Is(err, ErrTruncated) {
			return Record{}, false, err
		}
		return Record{}, false, d.resync(at, err)
	}
	var names, values []string
	_, err = jsonscan.Array(val, 0, d.lim.MaxDepth, func(cell []byte) bool {
		if cell[0] != '{' {
			return true
		}
		var field, value string
		insights := false
		_, _ = jsonscan.Object(cell, 0, d.lim.MaxDepth, func(key string, v []byte) bool {
			text := jsonscan.Scalar(v)
			switch {
			case v[0] == 'n':
			case key == "field":
				field, insights = text, true
			case key == "value":
				value = text
			default:
				names, values = append(names, inRecord(key)), append(values, text)
			}
			return true
		})
		if insights {
			names, values = append(names, inRecord(field)), append(values, value)
		}
		return true
	})
	if err != nil {
		return Record{}, false, d.bad(at, err)
	}
	raw := rebuild(names, values)
	if raw == nil {
		return Record{}, false, nil
	}
	return Record{}, false, d.enter(&payload{text: raw, opening: openAny, at: at})
}
