// Package source is where events come from. A source hands out batches; whoever
// takes one in acknowledges it once its events are durable.
package source

import (
	"context"
	"sync/atomic"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/state"
)

// Records yields the records of a batch by the contract of event.Decoder.Next.
type Records interface {
	Next() (event.Record, error)
	Close() error
}

// Walking is implemented by Records that can read the leaves of x into row while
// they look for the end of a record: see event.Decoder.Fields.
type Walking interface {
	Fields(x *event.Extractor, row *event.Row)
}

// Batch is a piece of input that is acknowledged as a whole: a file, an object,
// a message.
type Batch struct {
	Name    string    // for people
	Key     string    // identifies it across runs: an absolute path, a URL
	Size    int64     // as it lies there, packed or not
	Changed time.Time // with Key, Size and Print it identifies the content
	Print   uint64    // a cheap hash of the content, 0 = none
	Digest  bool      // it holds no events; it is not opened
	Meta    event.Meta
	From    int64       // records of the same Key that came before: it holds those that followed
	Stream  string      // identifies records without eventID, beside their place; "" = as before, at first the Key
	Tail    *state.Tail // what is to be known of it when it grows; without Records
	Passing bool        // it cannot be read again: nothing is kept of it but its events, and its problems are told to Ack alone
	// Open opens the records. What it reads is added to read as it lies there. An
	// error is a problem of this batch only.
	Open func(read *atomic.Int64) (Records, error)
	// Ack, when set, is called once what could be taken in of the batch is durable
	// and seen by searches. It is not called when the run ends before. It must not
	// block.
	Ack func(Result)
}

// Result says what became of a batch.
type Result struct {
	Events   int    // new ones
	Records  int64  // of its Key up to its end
	Problems int    // records that could not be taken in
	Problem  string // of the first of them
	Done     bool   // it was read to its end
}

// Source hands out batches.
type Source interface {
	// Next returns the next batch and waits for one. After the last one the
	// error is io.EOF. It is for one goroutine and ends with ctx.
	Next(ctx context.Context) (*Batch, error)
}

// Sized is implemented by sources that know how much there is to read, in bytes.
type Sized interface{ Size() int64 }
