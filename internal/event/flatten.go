package event

import (
	"context"
	"slices"
	"sync"

	"bluetrail/internal/jsonscan"
)

// Splitter reads whole records: every leaf, and chosen fields computed from the
// leaves. It caches what it knows about leaf names between records. It belongs
// to one goroutine.
type Splitter struct {
	x     *Extractor
	row   *Row
	shape *jsonscan.Shape
	age   int
	names []leafName // by Leaf.ID
	found []int      // IDs in the order of the record
	cells []Cell     // of found
	add   func(l *jsonscan.Leaf, value string) bool
	ctx   context.Context // cancels the reading of a record; nil = never
	leafs int             // leaves of the record read so far
}

// lookLeaves is how many leaves of a record are read between two checks of the
// context.
const lookLeaves = 4096

type leafName struct {
	name    string // "" = not seen yet
	pos     int    // 1 + index in found in this record, 0 = absent
	cell    int    // in the extractor, -1 = it does not read this leaf
	derived bool   // on CloudTrail events an add-on field replaces it
	always  bool   // a default field replaces it
}

// NewSplitter returns a Splitter that computes the named fields, each an add-on
// or default field, besides the leaves.
func NewSplitter(fields []string) *Splitter {
	s := &Splitter{x: NewExtractor(fields), shape: jsonscan.NewShape()}
	s.row = s.x.NewRow()
	s.add = s.leaf
	return s
}

func (s *Splitter) leaf(l *jsonscan.Leaf, value string) bool {
	if s.age != s.shape.Age() {
		s.age, s.names = s.shape.Age(), nil
	}
	for l.ID >= len(s.names) {
		s.names = append(s.names, leafName{})
	}
	n := &s.names[l.ID]
	if n.name == "" {
		f := catalogue.byName[l.Path]
		here := f != nil && !f.OnRequest
		*n = leafName{name: l.Path, cell: slices.Index(s.x.leafs, l.Path), derived: here && f.value == nil, always: here && f.value != nil}
	}
	if n.pos == 0 {
		s.found, s.cells = append(s.found, l.ID), append(s.cells, Cell{})
		n.pos = len(s.found)
	}
	s.cells[n.pos-1].add(value)
	s.leafs++
	return s.leafs%lookLeaves != 0 || s.ctx == nil || s.ctx.Err() == nil
}

// Split reads a record. The values share raw. They and the results of the other
// methods are valid until the next call.
func (s *Splitter) Split(raw []byte, m *Meta) error {
	for _, id := range s.found {
		s.names[id].pos = 0
	}
	clear(s.cells)
	s.found, s.cells = s.found[:0], s.cells[:0]
	s.row.reset()
	s.leafs = 0
	if i := jsonscan.Space(raw, 0); i >= len(raw) || raw[i] != '{' {
		return notObject(raw, i)
	}
	if err := s.shape.Leaves(raw, jsonscan.MaxDepth, s.add); err != nil {
		return err
	}
	if s.ctx != nil && s.ctx.Err() != nil {
		return context.Cause(s.ctx)
	}
	for i, id := range s.found {
		if c := s.names[id].cell; c >= 0 {
			s.row.cells[c] = s.cells[i]
		}
	}
	for i := range s.x.outs {
		s.row.outs[i] = s.x.output(i, raw, m, s.row)
	}
	return nil
}

// Len is the number of leaves in the record, counting repeated names once.
func (s *Splitter) Len() int { return len(s.found) }

// Leaf returns leaf i in the order of the record. Its id stands for its name as
// long as Age stays the same; the name may be kept.
func (s *Splitter) Leaf(i int) (id int, name string, c *Cell) {
	return s.found[i], s.names[s.found[i]].name, &s.cells[i]
}

// Age changes when leaf ids are reassigned.
func (s *Splitter) Age() int { return s.shape.Age() }

// Cell returns field i of the Splitter.
func (s *Splitter) Cell(i int) *Cell { return &s.row.outs[i] }

// everyField are all derived and default fields, derived ones first.
var everyField = sync.OnceValue(func() (names []string) {
	catalogue.inUse = true
	for _, f := range slices.Concat(catalogue.derived, catalogue.defaults) {
		names = append(names, f.Name)
	}
	return names
})

var splitters = sync.Pool{New: func() any { return NewSplitter(everyField()) }}

// Flatten calls yield for every field of a record: first its leaves in the
// order of the record, then the add-on fields (for CloudTrail), then the
// default fields. Each name comes once. Names may be kept; values share raw.
// When ctx is done, it ends early with the cause.
func Flatten(ctx context.Context, raw []byte, m *Meta, yield func(name string, c Cell)) error {
	s := splitters.Get().(*Splitter)
	s.ctx = ctx
	defer func() {
		s.ctx = nil
		splitters.Put(s)
	}()
	if err := s.Split(raw, m); err != nil {
		return err
	}
	trail := m.Sourcetype == CloudTrail
	for i, id := range s.found {
		if i%lookLeaves == lookLeaves-1 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if n := &s.names[id]; !n.always && !(n.derived && trail) {
			yield(n.name, s.cells[i])
		}
	}
	first := 0
	if !trail {
		first = len(catalogue.derived)
	}
	for i := first; i < len(s.x.outs); i++ {
		if c := s.Cell(i); c.Set {
			yield(s.x.names[i], *c)
		}
	}
	return nil
}
