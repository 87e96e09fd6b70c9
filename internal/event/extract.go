package event

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Extractor extracts chosen fields from records and skips the rest. It is safe
// for concurrent use; each goroutine needs its own Row.
type Extractor struct {
	root  *branch
	names []string // the requested fields
	leafs []string // record leaves that have a cell, by cell; timeFields come first if a time is requested
	outs  []output // one per requested field

	branches int
}

// branch is a node in the tree of wanted paths: the keys below an object, and
// the elements of an array.
type branch struct {
	keys   []edge
	each   *branch
	cell   int       // of the leaf here, -1 = none
	id     int       // number of the branch in the extractor
	begins [4]uint64 // bit set of the first bytes of the keys here
}

type edge struct {
	key string
	to  *branch
}

// output is the source of a field: a cell of the record, or a computation.
type output struct {
	cell   int    // of the record's own leaf, -1 = none
	field  *Field // nil = the name is only that of a leaf
	inputs []int  // cells of field.From
}

// Row holds the fields of one record for one goroutine.
type Row struct {
	cells []Cell
	outs  []Cell
	in    []Inputs // for each requested field, the cells it is derived from
	when  when
	ways  []way // by branch.id
	odd   bool
	blank bool
}

// Odd reports whether the record has an object or array where a leaf was wanted, or an
// array where an object was: then a leaf without a value need not be missing.
func (r *Row) Odd() bool { return r.odd }

// Blank reports whether the record has null where a leaf was wanted.
func (r *Row) Blank() bool { return r.blank }

// reset clears the previous record.
func (r *Row) reset() {
	clear(r.cells)
	r.when, r.odd, r.blank = when{}, false, false
}

// NewExtractor prepares to extract the named fields: leaves of the record,
// add-on fields and default fields, in any combination.
func NewExtractor(fields []string) *Extractor {
	return newExtractor().with(fields)
}

func newExtractor() *Extractor {
	return &Extractor{root: &branch{cell: -1}, branches: 1}
}

func (x *Extractor) with(fields []string) *Extractor {
	x.names = slices.Clone(fields)
	if slices.ContainsFunc(fields, func(name string) bool { f := Lookup(name); return f != nil && f.timed }) {
		for _, f := range timeFields {
			x.leaf(f)
		}
	}
	for _, name := range fields {
		out := output{cell: -1, field: Lookup(name)}
		f := out.field
		if f != nil && f.value == nil {
			for _, in := range f.From {
				out.inputs = append(out.inputs, x.leaf(in))
			}
		}
		if f == nil || f.value == nil || f.keepOwn {
			out.cell = x.leaf(name)
		}
		x.outs = append(x.outs, out)
	}
	return x
}

// leaf returns the cell of a field of the record.
func (x *Extractor) leaf(name string) int {
	if i := slices.Index(x.leafs, name); i >= 0 {
		return i
	}
	b := x.root
	for _, seg := range segments(name) {
		b = x.child(b, seg)
	}
	b.cell = len(x.leafs)
	x.leafs = append(x.leafs, name)
	return b.cell
}

// segments splits a.b{}{}.c into a, b, {}, {}, c.
func segments(name string) []string {
	var list []string
	for _, part := range strings.Split(name, ".") {
		arrays := 0
		for strings.HasSuffix(part, "{}") {
			part = strings.TrimSuffix(part, "{}")
			arrays++
		}
		if part != "" || arrays == 0 || len(list) > 0 {
			list = append(list, part)
		}
		for range arrays {
			list = append(list, "{}")
		}
	}
	return list
}

func (x *Extractor) child(b *branch, seg string) *branch {
	if seg == "{}" {
		if b.each == nil {
			b.each = x.branch()
		}
		return b.each
	}
	if c := b.find(seg); c != nil {
		return c
	}
	c := x.branch()
	b.keys = append(b.keys, edge{seg, c})
	if seg == "" || seg[0] >= utf8.RuneSelf {
		b.begins = [4]uint64{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		return c
	}
	for _, first := range [...]byte{seg[0], '\\'} {
		b.begins[first>>6] |= 1 << (first & 63)
	}
	return c
}

func (x *Extractor) branch() *branch {
	x.branches++
	return &branch{cell: -1, id: x.branches - 1}
}

func (b *branch) find(key string) *branch {
	for i := range b.keys {
		if b.keys[i].key == key {
			return b.keys[i].to
		}
	}
	return nil
}

// NewRow returns a row for records of this extractor.
func (x *Extractor) NewRow() *Row {
	r := &Row{cells: make([]Cell, len(x.leafs)), outs: make([]Cell, len(x.outs)), in: make([]Inputs, len(x.outs)), ways: make([]way, x.branches)}
	for i := range x.outs {
		for _, c := range x.outs[i].inputs {
			r.in[i] = append(r.in[i], &r.cells[c])
		}
	}
	return r
}

// Extract reads a record into row. The values share raw's bytes. It fails if
// the record is not a JSON object.
func (x *Extractor) Extract(raw []byte, m *Meta, row *Row) error {
	if err := x.Read(raw, row); err != nil {
		return err
	}
	x.Finish(raw, m, row)
	return nil
}

// FinishOne is Finish for field i alone, which it returns.
func (x *Extractor) FinishOne(i int, raw []byte, m *Meta, row *Row) *Cell {
	row.outs[i] = x.output(i, raw, m, row)
	return &row.outs[i]
}

// Finish is Extract for a record whose leaves are already in row, read by a
// Decoder or Read.
func (x *Extractor) Finish(raw []byte, m *Meta, row *Row) {
	for i := range x.outs {
		row.outs[i] = x.output(i, raw, m, row)
	}
}

// Leaves returns the record fields that the extractor reads. The slice must not
// be changed.
func (x *Extractor) Leaves() []string { return x.leafs }

// SetLeaf sets leaf i of Extractor.Leaves for a record passed to Compute.
func (r *Row) SetLeaf(i int, c Cell) { r.cells[i] = c }

// Leaf returns leaf i of Extractor.Leaves after the leaves were read. It is valid until
// the row is reused.
func (r *Row) Leaf(i int) *Cell { return &r.cells[i] }

// Compute is Extract for a caller that knows all leaves of the record but not
// its text, and has set them. FromText must be false for all fields.
func (x *Extractor) Compute(m *Meta, row *Row) {
	row.when = when{}
	for i := range x.outs {
		row.outs[i] = x.output(i, nil, m, row)
	}
}

// Cell returns field i of the extractor. It is valid until the row is reused.
func (r *Row) Cell(i int) *Cell { return &r.outs[i] }

// output returns field i once row holds the leaves of raw.
func (x *Extractor) output(i int, raw []byte, m *Meta, row *Row) Cell {
	o := &x.outs[i]
	if f := o.field; f != nil {
		if f.OnRequest && o.cell >= 0 && row.cells[o.cell].Set {
			return row.cells[o.cell]
		}
		if c, ok := f.make(raw, m, row, row.in[i]); ok {
			return c
		}
	}
	if o.cell >= 0 {
		return row.cells[o.cell]
	}
	return Cell{}
}

// make computes a field of a record; ok is false if a leaf of the record with
// the same name takes its place.
func (f *Field) make(raw []byte, m *Meta, row *Row, in Inputs) (c Cell, ok bool) {
	switch {
	case f.value != nil:
		return f.value(raw, m, row)
	case m.Sourcetype != CloudTrail:
		return Cell{}, false
	case f.Derive != nil:
		c = f.Derive(in)
	case f.made != nil:
		c = f.made(raw)
	case f.member != "":
		c = memberText(raw, f.member)
	default:
		c = *in[0]
	}
	return c, c.Set
}
