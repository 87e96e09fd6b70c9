package findings

import (
	"context"
	"encoding/json"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// maxRows bounds a batch: a finding may have a hundred events.
const maxRows = 256

// writer makes rows of JSON objects.
type writer struct {
	q      *store.Query
	reader *store.FieldReader
	lists  []string // fields with several values that the query wants
	emit   func(int, *vector.Batch) error
	b      *vector.Builder
	seq    int
}

// newWriter returns a writer of what a query wants. In JSON the listed fields are arrays
// where they have several values, whose field would be called name{}; a search asks for
// name.
func newWriter(ctx context.Context, q *store.Query, listed []string, emit func(int, *vector.Batch) error) *writer {
	fields := wanted(q)
	lists := slices.DeleteFunc(slices.Clone(listed), func(name string) bool { return !fields.Has(name) })
	return &writer{q: q, reader: store.NewFieldReader(ctx, fields), lists: lists, emit: emit, b: vector.NewBuilder()}
}

// wanted returns the fields that the rows of a query need.
func wanted(q *store.Query) filter.FieldSet {
	fields := q.Fields.Add(filter.FieldsOf(q.Filter)...)
	if q.Ordered {
		fields = fields.Add(event.Time)
	}
	return fields
}

func (w *writer) add(body []byte, m *event.Meta) error {
	w.b.Add()
	if err := w.reader.Read(w.b, body, m); err != nil {
		return err
	}
	setLists(w.b, body, w.lists)
	if w.q.Ordered {
		w.b.Set(store.Seq, vector.Int(w.seq))
	}
	w.seq++
	if w.b.Len() < maxRows {
		return nil
	}
	full := w.b.Batch()
	w.b = vector.NewBuilder()
	return w.emit(0, full)
}

// end emits what is left, unless there was an error.
func (w *writer) end(err error) error {
	if err != nil || w.b.Len() == 0 {
		return err
	}
	return w.emit(0, w.b.Batch())
}

// setLists sets those of the fields that have several values.
func setLists(b *vector.Builder, body []byte, fields []string) {
	if len(fields) == 0 {
		return
	}
	var all map[string]json.RawMessage
	if json.Unmarshal(body, &all) != nil {
		return // the reader has read it
	}
	for _, name := range fields {
		var values []string
		if len(all[name]) > 0 && all[name][0] == '[' && json.Unmarshal(all[name], &values) == nil && len(values) > 0 {
			b.Set(name, vector.Strings(values))
		}
	}
}
