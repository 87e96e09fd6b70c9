// Package store defines how searches read events, whatever holds them: files in
// place, the embedded database, or a list in memory. All stores give the same
// rows for the same Query.
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

// Seq is the column that orders events of the same _time: events that were
// ingested later have higher numbers. It is delivered when Query.Ordered is set
// and is not a field of the event; its name is not UTF-8, so no event field can
// have it.
const Seq = "\xffseq"

// Beginning and End are the bounds of an open time range.
const (
	Beginning = math.MinInt64
	End       = math.MaxInt64
)

// Query is what the first stage of a search asks of a store.
type Query struct {
	Filter   filter.Expr     // subsearches are resolved; never nil
	Fields   filter.FieldSet // fields that the rows must have, besides what Residual reads; see Shown
	Earliest int64           // unix nanoseconds, inclusive
	Latest   int64           // exclusive
	Arrived  Arrival         // when the events came; ignored by stores of files, whose events never do
	Ordered  bool            // rows carry _time and Seq
	Alike    bool            // rows that agree in Fields may be merged into one, counted in vector.Alike
	Step     time.Duration   // with Alike: _time may be rounded down to a multiple of it; 0 = no rounding
	Now      time.Time       // reference for relative times in Filter
}

// Arrival is a range of the times at which events were taken in, in unix
// milliseconds. The zero Arrival is any time.
type Arrival struct {
	After int64 // exclusive
	Upto  int64 // inclusive, 0 = any
}

// Any reports whether all events pass.
func (a Arrival) Any() bool { return a == Arrival{} }

// Holds reports whether a time lies in the range.
func (a Arrival) Holds(ms int64) bool { return ms > a.After && (a.Upto == 0 || ms <= a.Upto) }

// Store answers queries. It is safe for concurrent use.
type Store interface {
	// Prepare decides how to answer a query, without reading events.
	Prepare(q *Query) (Scan, error)
	Close() error
}

// Spanning is implemented by stores for which part of a time range costs only
// part of the work.
type Spanning interface {
	// Span returns the time range that contains the events, in unix nanoseconds
	// with an exclusive end. It is empty if there are no events. Events that
	// are not stored at their own time may lie outside.
	Span() (first, last int64)
}

// Naming is implemented by stores that can name the fields of their events without
// reading more than a few.
type Naming interface {
	// FieldNames returns names of fields. all is false when events may have others.
	FieldNames(ctx context.Context) (names []string, all bool)
}

// Passing is implemented by stores that can tell when the events happened that
// they read and left out because of the time range of a query.
type Passing interface {
	// Passed returns their number and when the first and the last of them
	// happened, in unix nanoseconds.
	Passed() (n, first, last int64)
}

// Visiting is implemented by stores that pass over all their records faster than a
// query does.
type Visiting interface {
	// Workers is the number of workers of Visit.
	Workers() int
	// Visit reads the leaves of x, made by event.NewIdentifier, from all records, copies
	// of an event included. It calls visit from one goroutine at a time per worker.
	// Records that cannot be read are left to queries to report.
	Visit(ctx context.Context, x *event.Extractor, visit func(worker int, raw []byte, row *event.Row)) error
}

// Indexed is implemented by stores that know the names of their indexes.
type Indexed interface {
	// Indexes returns the names, sorted. It may take as long as a search.
	Indexes(ctx context.Context) ([]string, error)
}

// Scan is a prepared query.
type Scan interface {
	// Residual is the condition still to be checked on the delivered rows, nil
	// when they are exactly the matching ones. The rows have the fields it
	// reads.
	Residual() filter.Expr
	// Workers is the number of workers that Run may use: 0 <= worker < Workers.
	Workers() int
	// Run delivers the rows. It calls emit from several goroutines, but from
	// one at a time per worker. An error of emit ends the scan and is returned.
	// The columns of a batch may share buffers of the store that live as long
	// as the batch.
	Run(ctx context.Context, emit func(worker int, b *vector.Batch) error) error
	// Explain describes in short lines what the store itself evaluates.
	Explain() []string
}

// Stats counts what a store met during a search, for display to the user.
// Stores that read files implement Counting.
type Stats struct {
	Files, Events, Duplicates int64
	Untimed                   int64 // events that only have the modification time of their file
	Bytes                     int64 // read, compressed where files are
	Skipped                   []diag.Notice
	SkippedMore               int64         // skips beyond those listed
	LeftOut                   string        // kinds of files in folders and archives that are deliberately not read, "" = none
	Notes                     []diag.Notice // what the user should know of how it was read
	Controls                  int64         // messages that CloudWatch Logs sends to check a destination
}

// Counting is implemented by stores that can report what they skipped.
type Counting interface{ Stats() Stats }

// Value converts a decoded field to a value of a row.
func Value(c *event.Cell) vector.Value {
	switch {
	case !c.Set:
		return vector.Value{}
	case c.Many != nil:
		return vector.Strings(slices.Clone(c.Many))
	}
	return vector.String(c.Text)
}
