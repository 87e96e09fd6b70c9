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

// flattener gathers the leaves of a record under their names. It remembers
// names between records, so that a shape seen before costs little.
type flattener struct {
	row   *Row
	names []string
	cells []Cell
	known map[string]int // name -> place in seen
	seen  []leafName
	turn  uint32
}

type leafName struct {
	turn   uint32 // the record in which pos is true
	pos    int    // in names and cells
	cell   int    // of the extractor of derived fields, -1 = it reads no such leaf
	hidden bool   // for CloudTrail the field comes as what it became
	always bool   // a default field takes its place
}

// maxNames bounds the names a flattener remembers.
const maxNames = 1 << 14

var flatteners = sync.Pool{New: func() any {
	return &flattener{row: everything().NewRow(), known: map[string]int{}}
}}

func (f *flattener) begin() {
	f.names, f.cells = f.names[:0], f.cells[:0]
	if f.turn++; f.turn == 0 || len(f.seen) > maxNames {
		clear(f.known)
		f.seen, f.turn = f.seen[:0], 1
	}
}

func (f *flattener) add(path, value string) bool {
	id, ok := f.known[path]
	if !ok {
		id = len(f.seen)
		f.known[path] = id
		f.seen = append(f.seen, leafName{cell: slices.Index(everything().leafs, path), hidden: derivedByName[path] != nil, always: isDefault[path]})
	}
	n := &f.seen[id]
	if n.turn != f.turn {
		n.turn, n.pos = f.turn, len(f.names)
		f.names, f.cells = append(f.names, path), append(f.cells, Cell{})
	}
	f.cells[n.pos].add(value)
	return true
}

// Flatten calls yield for every field of a record: first its leaves in the
// order of the record, then the fields of the add-on (for CloudTrail), then the
// default fields. A name comes once. Names may be kept; values share raw.
func Flatten(raw []byte, m *Meta, yield func(name string, c Cell)) error {
	if i := jsonscan.Space(raw, 0); i >= len(raw) || raw[i] != '{' {
		return notObject(raw, i)
	}
	f := flatteners.Get().(*flattener)
	defer flatteners.Put(f)
	f.begin()
	if err := jsonscan.Leaves(raw, jsonscan.MaxDepth, f.add); err != nil {
		return err
	}
	clear(f.row.cells)
	trail := m.Sourcetype == CloudTrail
	for i, name := range f.names {
		n := &f.seen[f.known[name]]
		if n.cell >= 0 {
			f.row.cells[n.cell] = f.cells[i]
		}
		if !n.always && !(n.hidden && trail) {
			yield(name, f.cells[i])
		}
	}
	x := everything()
	for i := range x.outs {
		if i >= len(derivedList) || trail {
			x.output(&x.outs[i], raw, m, f.row, &f.row.outs[i])
		}
	}
	if trail {
		for i := range derivedList {
			if c := f.row.outs[i]; c.Set {
				yield(derivedList[i].Name, c)
			}
		}
	}
	for i, name := range defaultNames {
		if c := f.row.outs[len(derivedList)+i]; c.Set {
			yield(name, c)
		}
	}
	return nil
}
