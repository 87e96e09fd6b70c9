package vector

import (
	"slices"
	"strings"
)

// DefaultRows is the number of rows in a batch unless another size is
// requested: enough to amortise an operator's overhead, few enough to fit in
// the cache.
const DefaultRows = 1024

// Builder makes batches row by row. Columns appear in the order in which they
// are first set. A row that does not set a column is missing there, and costs 4
// bytes.
type Builder struct {
	rows  int
	cols  []*Column
	index map[string]int
	next  int              // the column that Set expects, since rows are alike
	room  int              // row capacity of columns set by the first row
	from  map[*Batch][]int // for AddRow: target columns of a batch's columns
}

// NewBuilder returns an empty builder whose columns begin with names, present
// even if no row sets them.
func NewBuilder(names ...string) *Builder {
	b := &Builder{index: map[string]int{}}
	for _, n := range names {
		b.column(n)
	}
	return b
}

// Expect makes room for n rows.
func (b *Builder) Expect(n int) *Builder {
	b.room = n
	return b
}

func (b *Builder) column(name string) int {
	if b.next < len(b.cols) && b.cols[b.next].Name == name {
		b.next++
		return b.next - 1
	}
	i, ok := b.index[name]
	if !ok {
		i = len(b.cols)
		name = strings.Clone(name)
		b.index[name] = i
		c := &Column{Name: name}
		if b.rows == 1 && b.room > 1 {
			c.vals = make([]Value, 0, b.room)
		}
		b.cols = append(b.cols, c)
	}
	b.next = i + 1
	return i
}

// Add begins a new row.
func (b *Builder) Add() {
	b.rows++
	b.next = 0
}

// Set sets a field of the last row begun. The value is not copied.
func (b *Builder) Set(name string, v Value) { b.SetAt(b.column(name), v) }

// SetAt is Set by the column's position among the names so far.
func (b *Builder) SetAt(i int, v Value) {
	c := b.cols[i]
	if c.rows == nil {
		switch n := len(c.vals); {
		case n == b.rows-1:
			c.vals = append(c.vals, v)
			return
		case n == b.rows:
			c.vals[n-1] = v
			return
		}
		c.sparse()
	}
	switch n := len(c.rows); {
	case n < b.rows:
		c.lack(b.rows - 1 - n)
		c.rows = append(c.rows, int32(len(c.vals)))
		c.vals = append(c.vals, v)
	case c.rows[n-1] != 0:
		c.vals[c.rows[n-1]] = v
	default:
		c.rows[n-1] = int32(len(c.vals))
		c.vals = append(c.vals, v)
	}
}

// sparse turns a column with one value per row into one whose rows index the
// values. Value 0 is null, for rows without a value.
func (c *Column) sparse() {
	c.rows = make([]int32, len(c.vals), max(2*len(c.vals), 16))
	for i := range c.rows {
		c.rows[i] = int32(i + 1)
	}
	c.vals = append([]Value{{}}, c.vals...)
}

// lack appends n rows without a value.
func (c *Column) lack(n int) {
	at := len(c.rows)
	c.rows = slices.Grow(c.rows, n)[:at+n]
	clear(c.rows[at:])
}

// AddRow appends row i of another batch.
func (b *Builder) AddRow(from *Batch, i int) {
	b.Add()
	to, ok := b.from[from]
	if !ok {
		to = make([]int, len(from.Cols))
		for n, c := range from.Cols {
			to[n] = b.column(c.Name)
		}
		if b.from == nil {
			b.from = map[*Batch][]int{}
		}
		b.from[from] = to
	}
	for n, c := range from.Cols {
		if v := c.at(i); v.kind != Null {
			b.SetAt(to[n], *v)
		}
	}
}

// Len returns how many rows were begun.
func (b *Builder) Len() int { return b.rows }

// Batch returns the rows and empties the builder; the columns are forgotten.
func (b *Builder) Batch() *Batch {
	for _, c := range b.cols {
		if c.rows == nil && len(c.vals) < b.rows {
			c.sparse()
		}
		if c.rows != nil {
			c.lack(b.rows - len(c.rows))
		}
	}
	out := &Batch{Len: b.rows, Cols: b.cols}
	*b = Builder{index: map[string]int{}}
	return out
}
