package vector

import (
	"math"
	"unsafe"
)

// Column is one field of a batch. It is read-only once it is in a batch. Its
// several forms exist for speed; At hides them.
type Column struct {
	Name  string
	vals  []Value
	rows  []int32 // if set, row i of the column is vals[rows[i]]
	fixed bool    // every row is vals[0]
}

// NewColumn returns a column whose rows are vals. It takes ownership of vals.
func NewColumn(name string, vals []Value) *Column { return &Column{Name: name, vals: vals} }

// Constant returns a column that has the same value in every row.
func Constant(name string, v Value) *Column {
	return &Column{Name: name, vals: []Value{v}, fixed: true}
}

// Coded returns a column whose row i is dict[codes[i]]. It takes ownership of
// both.
func Coded(name string, dict []Value, codes []int32) *Column {
	return &Column{Name: name, vals: dict, rows: codes}
}

// At returns row i.
func (c *Column) At(i int) Value { return *c.at(i) }

// Has reports whether row i has a value.
func (c *Column) Has(i int) bool { return c.at(i).kind != Null }

func (c *Column) at(i int) *Value {
	if c.fixed {
		i = 0
	} else if c.rows != nil {
		i = int(c.rows[i])
	}
	return &c.vals[i]
}

// Num returns row i as a number. ok is false for values that are not numbers,
// and for numbers whose significant digits are tracked.
func (c *Column) Num(i int) (f float64, ok bool) {
	f = c.at(i).plain()
	return f, f == f
}

// plain returns v as a number. It returns NaN for values that are not numbers,
// and for numbers whose significant digits are tracked.
func (v *Value) plain() float64 {
	switch {
	case v.kind == Text:
		if f, ok := ParseNumber(v.text()); ok {
			return f
		}
	case v.kind == Number && v.sig == 0:
		return v.num
	}
	return math.NaN()
}

// Nums sets each element of dst, one per row, to the result of Num, or to NaN
// where Num fails. A nil column is missing in every row.
func (c *Column) Nums(dst []float64) {
	if c != nil && !c.fixed && c.rows == nil {
		for i := range dst {
			dst[i] = c.vals[i].plain()
		}
		return
	}
	for i := range dst {
		dst[i] = math.NaN()
		if c != nil {
			if f, ok := c.Num(i); ok {
				dst[i] = f
			}
		}
	}
}

// Rows returns all rows, which must not be changed: the column's own slice, or
// copies in buf, which has one element per row. A nil column is missing in
// every row.
func (c *Column) Rows(buf []Value) []Value {
	switch {
	case c == nil:
		clear(buf)
	case c.fixed:
		for i := range buf {
			buf[i] = c.vals[0]
		}
	case c.rows != nil:
		for i := range buf {
			buf[i] = c.vals[c.rows[i]]
		}
	default:
		return c.vals[:len(buf)]
	}
	return buf
}

// Constant returns the value of every row if the column is known to be
// constant.
func (c *Column) Constant() (Value, bool) {
	if c.fixed {
		return c.vals[0], true
	}
	return Value{}, false
}

// Codes returns the dictionary and the code of each row if the column is
// dictionary-coded, otherwise nil. Neither may be changed.
func (c *Column) Codes() ([]Value, []int32) {
	if c.rows == nil {
		return nil, nil
	}
	return c.vals, c.rows
}

// Renamed returns the column under another name; the rows are shared.
func (c *Column) Renamed(name string) *Column {
	d := *c
	d.Name = name
	return &d
}

func (c *Column) pick(rows []int32, composed map[*int32][]int32) *Column {
	if c.fixed {
		return c
	}
	d := *c
	if c.rows == nil {
		d.rows = rows
		return &d
	}
	if len(c.rows) == 0 {
		d.rows = []int32{}
		return &d
	}
	key := &c.rows[0]
	if composed[key] == nil {
		next := make([]int32, len(rows))
		for i, r := range rows {
			next[i] = c.rows[r]
		}
		composed[key] = next
	}
	d.rows = composed[key]
	return &d
}

// Batch is a run of rows. Columns are in display order; a field without a
// column is missing in every row. A Batch is immutable once it is passed on:
// operators make new ones that share columns.
type Batch struct {
	Len   int
	Cols  []*Column
	named names
}

// Col returns the column called name, nil when there is none.
func (b *Batch) Col(name string) *Column {
	if len(b.Cols) > manyColumns {
		return b.named.find(b.Cols, name)
	}
	for _, c := range b.Cols {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// At returns the cell of the named field in row i, null when there is none.
func (b *Batch) At(name string, i int) Value {
	if c := b.Col(name); c != nil {
		return c.At(i)
	}
	return Value{}
}

// Names returns the column names in order.
func (b *Batch) Names() []string {
	names := make([]string, len(b.Cols))
	for i, c := range b.Cols {
		names[i] = c.Name
	}
	return names
}

// With returns b with the given columns set. A column replaces the one of the
// same name in its position; a new one is appended. Column lengths must equal
// b.Len.
func (b *Batch) With(cols ...*Column) *Batch {
	out := &Batch{Len: b.Len, Cols: append(make([]*Column, 0, len(b.Cols)+len(cols)), b.Cols...)}
	if len(cols) > manyColumns {
		out.setAll(cols)
		return out
	}
	for _, c := range cols {
		out.set(c)
	}
	return out
}

// Above manyColumns, names are looked up in an index instead of by a linear
// search.
const manyColumns = 16

func (b *Batch) setAll(cols []*Column) {
	at := make(map[string]int, len(b.Cols)+len(cols))
	for i, c := range b.Cols {
		at[c.Name] = i
	}
	for _, c := range cols {
		i, ok := at[c.Name]
		if !ok {
			i = len(b.Cols)
			at[c.Name] = i
			b.Cols = append(b.Cols, nil)
		}
		b.Cols[i] = c
	}
}

func (b *Batch) set(c *Column) {
	for i, old := range b.Cols {
		if old.Name == c.Name {
			b.Cols[i] = c
			return
		}
	}
	b.Cols = append(b.Cols, c)
}

// Keep returns b with only the columns for which keep is true.
func (b *Batch) Keep(keep func(name string) bool) *Batch {
	out := &Batch{Len: b.Len}
	for _, c := range b.Cols {
		if keep(c.Name) {
			out.Cols = append(out.Cols, c)
		}
	}
	return out
}

// Pick returns the given rows of b, in that order; rows may repeat. No cell is
// copied. The slice belongs to the new batch.
func (b *Batch) Pick(rows []int32) *Batch {
	out := &Batch{Len: len(rows), Cols: make([]*Column, len(b.Cols))}
	composed := map[*int32][]int32{}
	for i, c := range b.Cols {
		out.Cols[i] = c.pick(rows, composed)
	}
	return out
}

// Slice returns rows from (inclusive) to (exclusive).
func (b *Batch) Slice(from, to int) *Batch {
	if from == 0 && to == b.Len {
		return b
	}
	rows := make([]int32, to-from)
	for i := range rows {
		rows[i] = int32(from + i)
	}
	return b.Pick(rows)
}

// Own returns the batch with its own copies of texts, so that it keeps nothing
// else in memory.
func (b *Batch) Own() *Batch {
	size := 0
	for _, c := range b.Cols {
		for i := range c.vals {
			size += int(c.vals[i].size)
		}
	}
	text := make([]byte, 0, size)
	out := &Batch{Len: b.Len, Cols: make([]*Column, len(b.Cols))}
	for n, c := range b.Cols {
		own := *c
		own.vals = make([]Value, len(c.vals))
		for i := range c.vals {
			v := &c.vals[i]
			if v.size == 0 {
				own.vals[i] = v.Clone()
				continue
			}
			text = append(text, v.text()...)
			own.vals[i] = *v
			own.vals[i].data = unsafe.Pointer(&text[len(text)-int(v.size)])
		}
		out.Cols[n] = &own
	}
	return out
}

// RowSize returns roughly how many bytes row i holds.
func (b *Batch) RowSize(i int) (n int) {
	for _, c := range b.Cols {
		n += c.at(i).Size()
	}
	return n
}

// columnBytes is what a column takes beside its values.
const columnBytes = 88

// Size returns roughly how many bytes the rows hold, for budgets.
func (b *Batch) Size() int {
	n := 64 + columnBytes*len(b.Cols)
	for _, c := range b.Cols {
		switch {
		case c.fixed:
			n += c.vals[0].Size()
		case len(c.vals) <= b.Len || c.rows == nil:
			n += 4 * len(c.rows)
			for i := range c.vals {
				n += c.vals[i].Size()
			}
		default: // a view of a few rows of a larger column
			for i := range b.Len {
				n += 4 + c.at(i).Size()
			}
		}
	}
	return n
}

// Alike is the column that says how many alike rows each row of a batch stands
// for. Batches without it are not condensed. The name is not UTF-8, so no
// record can contain a field with this name.
const Alike = "\xffalike"
