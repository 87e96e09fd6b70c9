package store

import (
	"context"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// FieldReader reads the fields of a search from records. It belongs to one
// goroutine.
type FieldReader struct {
	ctx   context.Context
	set   filter.FieldSet
	names []string         // unless Whole
	x     *event.Extractor // nil when Whole
	row   *event.Row
	extra *Requested
}

// NewFieldReader returns a reader of the fields in a set. ctx cancels the
// reading of a large record.
func NewFieldReader(ctx context.Context, set filter.FieldSet) *FieldReader {
	r := &FieldReader{ctx: ctx, set: set}
	if set.All() || set.HasPatterns() {
		r.extra = NewRequested(set)
		return r
	}
	r.names = set.Names()
	r.x = event.NewExtractor(r.names)
	r.row = r.x.NewRow()
	return r
}

// Whole reports whether every field of a record is read, because the set is not
// a list of names.
func (r *FieldReader) Whole() bool { return r.x == nil }

// Read adds the fields of a record to the last row that b began. When the
// reader is Whole they may refer to raw; otherwise they are copies.
func (r *FieldReader) Read(b *vector.Builder, raw []byte, m *event.Meta) error {
	if r.Whole() {
		err := event.Flatten(r.ctx, raw, m, func(name string, c event.Cell) {
			if r.set.Has(name) {
				b.Set(name, Value(&c))
			}
		})
		if err != nil {
			return err
		}
		return r.extra.Read(b, raw, m)
	}
	if len(r.names) == 0 {
		return nil
	}
	if err := r.x.Extract(raw, m, r.row); err != nil {
		return err
	}
	for i, name := range r.names {
		if c := r.row.Cell(i); c.Set {
			b.Set(name, Value(c).Clone())
		}
	}
	return nil
}
