// Package result writes the rows of a search for people and programs. Log
// content is hostile: each writer escapes for the place it writes to.
package result

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// Writer writes the batches of a search.
type Writer interface {
	Write(b *vector.Batch) error
	// Close writes the remaining output. It returns notes for the user about
	// the output, one line each.
	Close() (notes []string, err error)
}

// Options control how rows are displayed.
type Options struct {
	Format string // one of Formats
	Width  int    // terminal columns, 0 = no limit, nothing is cut
	Events bool   // the rows are events: a table shows a selection of their fields
	Zone   *time.Location
	// Spare are columns that a table which does not fit the terminal leaves out, in
	// this order, and Whole those whose values it never cuts.
	Spare, Whole []string
	// Terminal says that the output is a terminal: CSV and raw records then
	// have their control characters escaped.
	Terminal bool
	// Cancelled is asked within rows that take long to write. Its error ends
	// the writing, and the row is left out. It may be nil.
	Cancelled func() error
	Colour    bool // headings are bold, errors and severities coloured
}

// Formats are the names of the output formats.
var Formats = []string{"table", "list", "json", "csv", "raw"}

// New returns a writer of the format that writes to w.
func New(w io.Writer, o Options) (Writer, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	switch o.Format {
	case "json":
		return &jsonWriter{w: w, zone: o.Zone, cancelled: o.Cancelled}, nil
	case "csv":
		return &csvWriter{w: w, o: o, at: map[string]int{}}, nil
	case "raw":
		return &rawWriter{w: w, tty: o.Terminal}, nil
	case "list":
		return newRecordWriter(w, o, nil), nil
	case "table", "":
		return &tableWriter{w: w, o: o}, nil
	}
	return nil, fmt.Errorf("unknown output format %q; formats are %s", o.Format, strings.Join(Formats, ", "))
}

// isoTime is the format of _time for programs.
const isoTime = "2006-01-02T15:04:05.000-07:00"

// shown returns the values of a cell as text; _time in numbers becomes a date.
func shown(name string, v vector.Value, zone *time.Location, layout string) []string {
	if name == "_time" {
		if f, ok := v.Num(); ok && !math.IsNaN(f) && math.Abs(f) < 253402300800 {
			return []string{splunktime.FromEpoch(f).In(zone).Format(layout)}
		}
	}
	return v.All()
}

// work is what a writer has done since it last asked whether to go on.
type work int

// done counts n bytes and returns the error of Options.Cancelled, which is asked
// every 256 KiB.
func (w *work) done(o *Options, n int) error {
	if *w += work(n); *w < 1<<18 || o.Cancelled == nil {
		return nil
	}
	*w = 0
	return o.Cancelled()
}
