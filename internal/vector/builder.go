package vector

import "strings"

// DefaultRows is how many rows a batch has when nothing asks for another size:
// enough to spread an operator's overhead, few enough to stay in the cache.
const DefaultRows = 1024

// Builder makes batches row by row. Columns appear in the order in which they
// are first set; rows that do not set one are missing there.
type Builder struct {
	rows  int
	cols  []*Column
	index map[string]int
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

func (b *Builder) column(name string) int {
	i, ok := b.index[name]
	if !ok {
		i = len(b.cols)
		name = strings.Clone(name)
		b.index[name] = i
		b.cols = append(b.cols, &Column{Name: name})
	}
	return i
}

// Add begins a new row.
func (b *Builder) Add() { b.rows++ }

// Set sets a field of the row begun last. The value is kept as it is.
func (b *Builder) Set(name string, v Value) { b.SetAt(b.column(name), v) }

// SetAt is Set by the column's position among those named so far.
func (b *Builder) SetAt(i int, v Value) {
	c := b.cols[i]
	for len(c.vals) < b.rows-1 {
		c.vals = append(c.vals, Value{})
	}
	if len(c.vals) == b.rows {
		c.vals[b.rows-1] = v
		return
	}
	c.vals = append(c.vals, v)
}

// AddRow appends row i of another batch.
func (b *Builder) AddRow(from *Batch, i int) {
	b.Add()
	for _, c := range from.Cols {
		if v := c.At(i); !v.IsNull() {
			b.Set(c.Name, v)
		} else {
			b.column(c.Name)
		}
	}
}

// Len returns how many rows were begun.
func (b *Builder) Len() int { return b.rows }

// Batch returns the rows and empties the builder; the columns are forgotten.
func (b *Builder) Batch() *Batch {
	for _, c := range b.cols {
		for len(c.vals) < b.rows {
			c.vals = append(c.vals, Value{})
		}
	}
	out := &Batch{Len: b.rows, Cols: b.cols}
	*b = Builder{index: map[string]int{}}
	return out
}
