package event

import (
	"slices"
	"sync"

	"bluetrail/internal/jsonscan"
)

// everything extracts all derived and default fields.
var everything = sync.OnceValue(func() *Extractor {
	var names []string
	for _, d := range derivedList {
		names = append(names, d.Name)
	}
	return NewExtractor(append(names, defaultNames...))
})

// flattener gathers the leaves of a record. What it knows of a leaf's name it
// keeps between records.
type flattener struct {
	row   *Row
	shape *jsonscan.Shape
	age   int
	names []leafName // by Leaf.ID
	found []int      // IDs in the order of the record
	cells []Cell     // of found
	add   func(l *jsonscan.Leaf, value string) bool
}

type leafName struct {
	name   string // "" = not seen yet
	pos    int    // 1 + place in found in this record, 0 = not in it
	cell   int    // of the extractor of derived fields, -1 = it reads no such leaf
	hidden bool   // for CloudTrail the field comes as what it became
	always bool   // a default field takes its place
}

var flatteners = sync.Pool{New: func() any {
	f := &flattener{row: everything().NewRow(), shape: jsonscan.NewShape()}
	f.add = f.leaf
	return f
}}

func (f *flattener) leaf(l *jsonscan.Leaf, value string) bool {
	if f.age != f.shape.Age() {
		f.age, f.names = f.shape.Age(), nil
	}
	for l.ID >= len(f.names) {
		f.names = append(f.names, leafName{})
	}
	n := &f.names[l.ID]
	if n.name == "" {
		*n = leafName{name: l.Path, cell: slices.Index(everything().leafs, l.Path), hidden: hidesLeaf(l.Path), always: isDefault[l.Path]}
	}
	if n.pos == 0 {
		f.found, f.cells = append(f.found, l.ID), append(f.cells, Cell{})
		n.pos = len(f.found)
	}
	f.cells[n.pos-1].add(value)
	return true
}

// hidesLeaf reports whether CloudTrail events have a derived field in the place
// of the record's own.
func hidesLeaf(name string) bool {
	d := derivedByName[name]
	return d != nil && !d.OnRequest
}

// end readies the flattener for the next record and lets go of this one.
func (f *flattener) end() {
	for _, id := range f.found {
		f.names[id].pos = 0
	}
	clear(f.cells)
	f.found, f.cells = f.found[:0], f.cells[:0]
	flatteners.Put(f)
}

// Flatten calls yield for every field of a record: first its leaves in the
// order of the record, then the fields of the add-on (for CloudTrail), then the
// default fields. A name comes once. Names may be kept; values share raw.
func Flatten(raw []byte, m *Meta, yield func(name string, c Cell)) error {
	if i := jsonscan.Space(raw, 0); i >= len(raw) || raw[i] != '{' {
		return notObject(raw, i)
	}
	f := flatteners.Get().(*flattener)
	defer f.end()
	if err := f.shape.Leaves(raw, jsonscan.MaxDepth, f.add); err != nil {
		return err
	}
	f.row.reset()
	trail := m.Sourcetype == CloudTrail
	for i, id := range f.found {
		n := &f.names[id]
		if n.cell >= 0 {
			f.row.cells[n.cell] = f.cells[i]
		}
		if !n.always && !(n.hidden && trail) {
			yield(n.name, f.cells[i])
		}
	}
	x := everything()
	first := 0
	if !trail {
		first = len(derivedList)
	}
	for i := first; i < len(x.outs); i++ {
		if c := x.output(i, raw, m, f.row); c.Set {
			yield(x.names[i], c)
		}
	}
	return nil
}
