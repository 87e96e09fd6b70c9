package store

import (
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// Wanted returns the fields that the rows of a search must hold if its commands
// read those of need. The filter's fields are included: a field that is
// computed only on request becomes visible to wildcards once the filter names
// it.
func Wanted(need filter.FieldSet, cond filter.Expr) filter.FieldSet {
	return need.Add(slices.DeleteFunc(filter.FieldsOf(cond), func(name string) bool { return !need.Has(name) })...)
}

// Requested reads the fields of a search that event.Flatten leaves out because
// they are computed only on request. It belongs to one goroutine; a nil
// Requested reads none.
type Requested struct {
	names []string
	x     *event.Extractor
	row   *event.Row
}

// NewRequested returns a reader of such fields in a set, or nil if the set
// names none.
func NewRequested(set filter.FieldSet) *Requested {
	r := &Requested{}
	for _, name := range set.Named() {
		if event.OnRequest(name) {
			r.names = append(r.names, name)
		}
	}
	if r.names == nil {
		return nil
	}
	r.x = event.NewExtractor(r.names)
	r.row = r.x.NewRow()
	return r
}

// Read adds the fields of a record to the last row that b began.
func (r *Requested) Read(b *vector.Builder, raw []byte, m *event.Meta) error {
	if r == nil {
		return nil
	}
	if err := r.x.Extract(raw, m, r.row); err != nil {
		return err
	}
	for i, name := range r.names {
		if c := r.row.Cell(i); c.Set {
			b.Set(name, Value(c))
		}
	}
	return nil
}
