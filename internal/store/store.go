// Package store is what a search asks for events, whoever keeps them: files
// where they lie, the embedded database, a list in memory. All of them give
// the same rows for the same Query.
package store

import (
	"context"
	"math"
	"slices"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// Seq is the column that orders events of the same _time: a number that is
// higher for what was taken in later. It is delivered when Query.Ordered is
// set and is no field of the event; its name is not UTF-8, so that none can have it.
const Seq = "\xffseq"

// Beginning and End are the bounds of an open time range.
const (
	Beginning = math.MinInt64
	End       = math.MaxInt64
)

// Query is what the front of a search wants of a store.
type Query struct {
	Filter   filter.Expr     // its subsearches are resolved; never nil
	Fields   filter.FieldSet // what must be in the rows, beside what Residual reads; see Shown
	Earliest int64           // unix nanoseconds, inclusive
	Latest   int64           // exclusive
	Ordered  bool            // rows carry _time and Seq
	Alike    bool            // rows that agree in Fields may come as one, their number in vector.Alike
	Step     time.Duration   // with Alike: _time may be rounded down to a multiple of it; 0 = not
	Now      time.Time       // the clock of relative times inside Filter
}

// Store answers queries. It is safe for concurrent use.
type Store interface {
	// Prepare decides how a query is answered, without reading events.
	Prepare(q *Query) (Scan, error)
	Close() error
}

// Spanning is implemented by stores that answer for part of a time range at part
// of the cost.
type Spanning interface {
	// Span is the time range in which events lie, in unix nanoseconds, its end
	// exclusive; it is empty when there are none. Events that the store keeps
	// elsewhere than at their time may lie outside.
	Span() (first, last int64)
}

// Indexed is implemented by stores that know the names of their indexes.
type Indexed interface {
	// Indexes returns the names, sorted. It may take as long as a search.
	Indexes(ctx context.Context) ([]string, error)
}

// Scan is one prepared query.
type Scan interface {
	// Residual is what has to be checked on the delivered rows, nil when they
	// are exactly the matching ones. The rows hold the fields it reads.
	Residual() filter.Expr
	// Workers is how many workers Run may report: 0 <= worker < Workers.
	Workers() int
	// Run hands over the rows. emit is called by several goroutines, by one at
	// a time for each worker; an error of emit ends the scan and is returned.
	// The columns of a batch may share buffers of the store that live as long
	// as the batch does.
	Run(ctx context.Context, emit func(worker int, b *vector.Batch) error) error
	// Explain says in short lines what the store itself answers.
	Explain() []string
}

// Stats counts what a store met while answering, for the user's eyes. Stores
// that read files implement Counting.
type Stats struct {
	Files, Events, Duplicates int64
	Untimed                   int64 // events whose time is only that of their file's last change
	Bytes                     int64 // read, compressed where files are
	Skipped                   []diag.Notice
	SkippedMore               int64  // beyond those listed
	LeftOut                   string // files of folders and archives that are not read by design, "" = none
	Controls                  int64  // messages with which CloudWatch Logs checks a destination
}

// Counting is implemented by stores that can tell what they skipped.
type Counting interface{ Stats() Stats }

// Value returns a decoded field as a value of a row.
func Value(c *event.Cell) vector.Value {
	switch {
	case !c.Set:
		return vector.Value{}
	case c.Many != nil:
		return vector.Strings(slices.Clone(c.Many))
	}
	return vector.String(c.Text)
}
