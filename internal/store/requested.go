package store

import (
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// Wanted returns the fields that the rows of a search have to hold where its
// commands look at those of need: a filter names fields, too, and what is made
// only for who names it is then there for a wildcard.
func Wanted(need filter.FieldSet, cond filter.Expr) filter.FieldSet {
	return need.Add(slices.DeleteFunc(filter.FieldsOf(cond), func(name string) bool { return !need.Has(name) })...)
}

// Requested reads the fields of a search that event.Flatten does not give
// because they are made only for who names them. It belongs to one goroutine;
// nil reads none.
type Requested struct {
	names []string
	x     *event.Extractor
	row   *event.Row
}

// NewRequested returns the reader of such fields in a set, nil when it names
// none.
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

// Read adds the fields of a record to the row that b began last.
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
