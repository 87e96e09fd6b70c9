package cmd

import (
	"context"

	"bluetrail/internal/vector"
)

// tableCells is how many cells a batch of a table has that is wide.
const tableCells = 1 << 18

// emitter builds the rows of a table and hands them on in batches, so that the table
// is never in memory as a whole. Every batch has the named columns.
type emitter struct {
	*vector.Builder
	emit  func(*vector.Batch) error
	names []string
	some  bool // a batch was handed on
}

func newEmitter(emit func(*vector.Batch) error, names []string) *emitter {
	return &emitter{Builder: vector.NewBuilder(names...), emit: emit, names: names}
}

// row ends a row.
func (e *emitter) row(ctx context.Context) error {
	if n := e.Len(); n < vector.DefaultRows && n*len(e.names) < tableCells {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return e.flush()
}

func (e *emitter) flush() error {
	b := e.Batch()
	e.Builder, e.some = vector.NewBuilder(e.names...), true
	return e.emit(b)
}

// end hands on what is left; the table has one batch at least.
func (e *emitter) end() error {
	if e.some && e.Len() == 0 {
		return nil
	}
	return e.flush()
}
