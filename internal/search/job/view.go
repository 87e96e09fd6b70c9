package job

import (
	"io"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// View says which rows of a job to show.
type View struct {
	Offset, Count int
	Sort          []string // fields; - before one for descending
	Filter        string   // a text that a value has in any case; field=text looks in one field
	Fields        []string // patterns; none = all
}

// Page is what a View shows.
type Page struct {
	Columns []string
	Rows    []*vector.Batch
	Total   int // rows that pass the filter
	Preview bool
}

// Page returns rows of the job, or of its preview.
func (j *Job) Page(v View) (*Page, error) {
	if t := j.Preview(); t != nil {
		p := &Page{Columns: v.columns(t.Columns), Preview: true}
		err := v.page(p, func(yield func(int, *vector.Batch) error) error {
			first := 0
			for _, b := range t.Batches {
				if err := yield(first, b); err != nil {
					return err
				}
				first += b.Len
			}
			return nil
		})
		return p, err
	}
	in := j.Info()
	p := &Page{Columns: v.columns(in.Columns), Total: in.Rows}
	if len(v.Sort) > 0 || v.Filter != "" {
		p.Total = 0
		return p, v.page(p, func(yield func(int, *vector.Batch) error) error { return j.Each(0, yield) })
	}
	left := v.Count
	if left == 0 {
		return p, nil
	}
	return p, j.Each(v.Offset, func(_ int, b *vector.Batch) error {
		b = b.Slice(0, min(left, b.Len))
		left -= b.Len
		p.Rows = append(p.Rows, v.Keep(b))
		if left == 0 {
			return io.EOF
		}
		return nil
	})
}

// place is a row: its batch and its number there, with its keys.
type place struct {
	batch, row int
	keys       []vector.Value
}

// page sorts and filters rows.
func (v *View) page(p *Page, each func(func(int, *vector.Batch) error) error) error {
	match := v.matcher()
	var found []place
	var all []*vector.Batch
	err := each(func(_ int, b *vector.Batch) error {
		var cols []*vector.Column
		for _, s := range v.Sort {
			cols = append(cols, b.Col(strings.TrimPrefix(s, "-")))
		}
		some := false
		for i := range b.Len {
			if match != nil && !match(b, i) {
				continue
			}
			some = true
			at := place{batch: len(all), row: i}
			for _, c := range cols {
				key := vector.Value{}
				if c != nil {
					key = c.At(i).Clone()
				}
				at.keys = append(at.keys, key)
			}
			found = append(found, at)
		}
		if some {
			all = append(all, b)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.Total = len(found)
	if len(v.Sort) > 0 {
		slices.SortStableFunc(found, v.compare)
	}
	from := min(v.Offset, len(found))
	for _, at := range found[from:min(from+v.Count, len(found))] {
		p.Rows = append(p.Rows, v.Keep(all[at.batch].Slice(at.row, at.row+1)))
	}
	return nil
}

// compare orders by the keys: missing values last, numbers before texts.
func (v *View) compare(a, b place) int {
	for i, s := range v.Sort {
		x, y := a.keys[i], b.keys[i]
		if x.IsNull() || y.IsNull() {
			if x.IsNull() != y.IsNull() {
				if x.IsNull() {
					return 1
				}
				return -1
			}
			continue
		}
		n := vector.CompareAuto(x, y)
		if strings.HasPrefix(s, "-") {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// matcher returns what tells whether a row passes the filter, nil if all do.
func (v *View) matcher() func(b *vector.Batch, row int) bool {
	if v.Filter == "" {
		return nil
	}
	want := strings.ToLower(v.Filter)
	field, text, named := strings.Cut(want, "=")
	has := func(c *vector.Column, row int, want string) bool {
		for _, s := range c.At(row).All() {
			if strings.Contains(strings.ToLower(s), want) {
				return true
			}
		}
		return false
	}
	return func(b *vector.Batch, row int) bool {
		for _, c := range b.Cols {
			if named && strings.EqualFold(c.Name, field) && has(c, row, text) || has(c, row, want) {
				return true
			}
		}
		return false
	}
}

// shown returns what tells whether a column is shown.
func (v *View) shown() func(name string) bool {
	if len(v.Fields) == 0 {
		return func(string) bool { return true }
	}
	var tests []func(string) bool
	for _, f := range v.Fields {
		tests = append(tests, filter.Wildcard(f, false))
	}
	return func(name string) bool {
		return slices.ContainsFunc(tests, func(t func(string) bool) bool { return t(name) })
	}
}

func (v *View) columns(names []string) []string {
	keep := v.shown()
	list := []string{}
	for _, n := range names {
		if keep(n) {
			list = append(list, n)
		}
	}
	return list
}

// Keep returns b with the columns that are shown.
func (v *View) Keep(b *vector.Batch) *vector.Batch {
	if len(v.Fields) == 0 {
		return b
	}
	return b.Keep(v.shown())
}
