package event

import (
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

// flattener gathers the leaves of a record under their names.
type flattener struct {
	row   *Row
	names []string
	cells []Cell
	index map[string]int
}

var flatteners = sync.Pool{New: func() any {
	return &flattener{row: everything().NewRow(), index: map[string]int{}}
}}

// Flatten calls yield for every field of a record: first its leaves in the
// order of the record, then the fields of the add-on (for CloudTrail), then the
// default fields. A name comes once. Names may be kept; values share raw.
func Flatten(raw []byte, m *Meta, yield func(name string, c Cell)) error {
	f := flatteners.Get().(*flattener)
	defer flatteners.Put(f)
	f.names, f.cells = f.names[:0], f.cells[:0]
	clear(f.index)
	if i := jsonscan.Space(raw, 0); i >= len(raw) || raw[i] != '{' {
		return notObject(raw, i)
	}
	err := jsonscan.Leaves(raw, jsonscan.MaxDepth, func(path, value string) bool {
		i, ok := f.index[path]
		if !ok {
			i = len(f.names)
			f.index[path] = i
			f.names, f.cells = append(f.names, path), append(f.cells, Cell{})
		}
		f.cells[i].add(value)
		return true
	})
	if err != nil {
		return err
	}
	x := everything()
	if err := x.Extract(raw, m, f.row); err != nil {
		return err
	}
	derived := len(derivedList)
	for i, name := range f.names {
		if isDefault[name] || m.Sourcetype == CloudTrail && derivedByName[name] != nil {
			continue // comes below, as what it became
		}
		yield(name, f.cells[i])
	}
	if m.Sourcetype == CloudTrail {
		for i := range derivedList {
			if c := f.row.outs[i]; c.Set {
				yield(derivedList[i].Name, c)
			}
		}
	}
	for i, name := range defaultNames {
		if c := f.row.outs[derived+i]; c.Set {
			yield(name, c)
		}
	}
	return nil
}
