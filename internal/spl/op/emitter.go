package op

import (
	"context"

	"bluetrail/internal/vector"
)

// tableCells bounds the cells in a batch of a wide table.
const tableCells = 1 << 18

// Emitter builds the rows of a table and passes them on in batches, so that the whole
// table is never in memory. Every batch has the named columns.
type Emitter struct {
	*vector.Builder
	emit  func(*vector.Batch) error
	names []string
	some  bool // a batch was passed on
}

// NewEmitter returns an Emitter that passes its batches to emit.
func NewEmitter(emit func(*vector.Batch) error, names []string) *Emitter {
	return &Emitter{Builder: vector.NewBuilder(names...), emit: emit, names: names}
}

// Row ends a row.
func (e *Emitter) Row(ctx context.Context) error {
	if n := e.Len(); n < vector.DefaultRows && n*len(e.names) < tableCells {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return e.flush()
}

func (e *Emitter) flush() error {
	b := e.Batch()
	e.Builder, e.some = vector.NewBuilder(e.names...), true
	return e.emit(b)
}

// End passes on the last rows. A table has at least one batch, which may be empty.
func (e *Emitter) End() error {
	if e.some && e.Len() == 0 {
		return nil
	}
	return e.flush()
}
