package job

import (
	"context"
	"fmt"
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

// rowsFrom passes on rows from a number on, as Job.Each does.
type rowsFrom func(from int, yield func(first int, b *vector.Batch) error) error

// each is rowsFrom for the rows of a preview.
func (t *Table) each(from int, yield func(first int, b *vector.Batch) error) error {
	first := 0
	for _, b := range t.Batches {
		if skip := max(0, from-first); skip < b.Len {
			if err := yield(first+skip, b.Slice(skip, b.Len)); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
		first += b.Len
	}
	return nil
}

// Page returns rows of the job, or of its preview. Sorting and filtering look at all
// rows, so that they wait at the gate as searches do.
func (j *Job) Page(ctx context.Context, v View) (*Page, error) {
	if t := j.Preview(); t != nil {
		p := &Page{Columns: v.columns(t.Columns), Preview: true}
		return p, v.pick(p, t.each, ctx.Err)
	}
	in := j.Info()
	p := &Page{Columns: v.columns(in.Columns), Total: in.Rows}
	if len(v.Sort) > 0 || v.Filter != "" {
		turn, err := j.jobs.gate.enter(ctx, j.Ask.User)
		if err != nil {
			return nil, err
		}
		defer turn.leave()
		return p, v.pick(p, j.Each, func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return turn.check(ctx)
		})
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

// pick sorts and filters rows: it first finds which rows to show, then fetches them,
// with a batch in memory at a time. pause is called between batches.
func (v *View) pick(p *Page, rows rowsFrom, pause func() error) error {
	found, err := v.find(p, rows, pause)
	if err != nil {
		return err
	}
	order := make([]int, len(found)) // of found, by row
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return found[a].row - found[b].row })
	p.Rows = make([]*vector.Batch, len(found))
	for n := 0; n < len(order); {
		before := n
		err := rows(found[order[n]].row, func(first int, b *vector.Batch) error {
			b = v.Keep(b)
			for ; n < len(order) && found[order[n]].row < first+b.Len; n++ {
				at := found[order[n]].row - first
				one, _, err := vector.Decode(b.Slice(at, at+1).AppendTo(nil)) // holds no other row in memory
				if err != nil {
					return err
				}
				p.Rows[order[n]] = one
			}
			return io.EOF
		})
		if err == nil {
			err = pause()
		}
		if err == nil && n == before {
			err = ErrNone
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// find returns the places of the rows to show, in order, and counts those that pass
// the filter.
func (v *View) find(p *Page, rows rowsFrom, pause func() error) ([]place, error) {
	p.Total = 0
	match := v.matcher()
	f := &leading{compare: v.compare, limit: mostKeys}
	if v.Count > 0 {
		f.most = v.Offset + v.Count
	}
	cols := make([]*vector.Column, len(v.Sort))
	keys := make([]vector.Value, len(v.Sort))
	err := rows(0, func(first int, b *vector.Batch) error {
		for n, s := range v.Sort {
			cols[n] = b.Col(strings.TrimPrefix(s, "-"))
		}
		for i := range b.Len {
			if match != nil && !match(b, i) {
				continue
			}
			p.Total++
			for n, c := range cols {
				keys[n] = vector.Value{}
				if c != nil {
					keys[n] = c.At(i)
				}
			}
			if err := f.add(place{first + i, keys}); err != nil {
				return err
			}
		}
		return pause()
	})
	if err != nil {
		return nil, err
	}
	f.prune()
	return f.list[min(v.Offset, len(f.list)):], nil
}

// place is a row and what it is sorted by.
type place struct {
	row  int
	keys []vector.Value
}

// mostKeys bounds what the places of a page take in memory, in bytes.
const mostKeys = 64 << 20

// ErrDeep refuses to sort very many rows here.
var ErrDeep = fmt.Errorf("the sort keys of the rows down to this offset take more than %d MiB", mostKeys>>20)

// leading collects the places that come first. Rows are added in their order.
type leading struct {
	compare func(a, b place) int
	most    int // how many are wanted
	list    []place
	full    bool // the first most of list are in order, and no row behind them is wanted
	bytes   int  // of list
	limit   int  // of bytes
}

func (p place) size() int {
	n := 32
	for _, k := range p.keys {
		n += 24 + k.Size()
	}
	return n
}

// add takes in a place, whose keys it copies.
func (f *leading) add(p place) error {
	if f.most == 0 || f.full && f.compare(p, f.list[f.most-1]) >= 0 {
		return nil
	}
	keys := make([]vector.Value, len(p.keys))
	for i, k := range p.keys {
		keys[i] = k.Clone()
	}
	p.keys = keys
	f.list = append(f.list, p)
	f.bytes += p.size()
	over := f.bytes > f.limit
	if over || len(f.list) >= 2*f.most+vector.DefaultRows || len(f.list) == f.most {
		f.prune()
	}
	if over && f.bytes > f.limit/2 {
		return ErrDeep
	}
	return nil
}

// prune sorts the list and drops what is not wanted.
func (f *leading) prune() {
	slices.SortStableFunc(f.list, f.compare)
	if len(f.list) < f.most {
		return
	}
	clear(f.list[f.most:])
	f.list, f.full, f.bytes = f.list[:f.most], f.most > 0, 0
	for _, p := range f.list {
		f.bytes += p.size()
	}
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
