package jsonscan

import (
	"errors"
	"sync"
)

// Limits on the names of leaves.
const (
	maxPath  = 4 << 10  // bytes; leaves with longer names are skipped
	maxNames = 64 << 20 // bytes that the names and nodes of one document may add
	maxKept  = 4 << 20  // bytes of names, and
	maxNodes = 1 << 14  // nodes remembered between documents
	nodeSize = 128      // approximate bytes per node
)

// ErrNames reports that the names of a document's leaves need more memory than
// allowed.
var ErrNames = errors.New("the names of the JSON's fields take more than 64 MiB")

// Leaf identifies a scalar's position in documents.
type Leaf struct {
	Path string // Splunk's name: keys joined by dots, {} for each step into an array
	ID   int    // counts from 0 in the order of first appearance within a Shape's Age
}

// Shape walks documents and remembers the paths of their leaves, so that a
// document like earlier ones causes no allocation. It belongs to one goroutine.
type Shape struct {
	root   *node
	leaves map[string]*Leaf
	age    int
	nodes  int
	size   int // bytes of names remembered

	doc   []byte
	yield func(l *Leaf, value string) bool
	plain func(path, value string) bool // in place of yield
	grown int                           // bytes of names that this document added
	stop  bool
}

// node is a position in documents, reached by a path of keys and array steps.
type node struct {
	path string
	leaf *Leaf
	each *node // the elements of an array here
	kids []kid // the members of an object here, in the order of first appearance
	next int   // index of the expected kid, as in the last document
	far  map[string]int
}

type kid struct {
	key string // as written, with its quotes
	to  *node
}

// farKids is the number of kids up to which the search is linear.
const farKids = 24

// NewShape returns an empty Shape.
func NewShape() *Shape {
	return &Shape{root: &node{}, leaves: map[string]*Leaf{}}
}

// Age changes when the Shape forgets its names and reassigns IDs. It does so
// between documents once it remembers too much.
func (s *Shape) Age() int { return s.age }

// Leaves calls yield for every non-null scalar in the document, in document
// order. yield returns false to stop; the rest of the document is then not
// validated. A Leaf and its Path may be kept; the values share the document.
// Scalars whose name is longer than 4 KiB are skipped.
func (s *Shape) Leaves(doc []byte, maxDepth int, yield func(l *Leaf, value string) bool) error {
	s.yield = yield
	return s.walk(doc, maxDepth)
}

func (s *Shape) walk(doc []byte, maxDepth int) error {
	if s.nodes > maxNodes || s.size > maxKept {
		*s = Shape{root: &node{}, leaves: map[string]*Leaf{}, age: s.age + 1, yield: s.yield, plain: s.plain}
	}
	s.doc, s.grown, s.stop = doc, 0, false
	end, err := s.value(Space(doc, 0), s.root, min(maxDepth, MaxDepth))
	s.doc, s.yield, s.plain = nil, nil, nil
	if err != nil || s.stop {
		return err
	}
	if end = Space(doc, end); end < len(doc) {
		return syntax(doc, end, "the end")
	}
	return nil
}

var shapes = sync.Pool{New: func() any { return NewShape() }}

// Leaves is Shape.Leaves for callers that need no IDs.
func Leaves(doc []byte, maxDepth int, yield func(path, value string) bool) error {
	s := shapes.Get().(*Shape)
	defer shapes.Put(s)
	s.plain = yield
	return s.walk(doc, maxDepth)
}

func (s *Shape) value(i int, n *node, depth int) (int, error) {
	if i >= len(s.doc) {
		return i, ErrIncomplete
	}
	switch c := s.doc[i]; c {
	case '{':
		return s.object(i, n, depth)
	case '[':
		return s.array(i, n, depth)
	case '"':
		end, err := SkipString(s.doc, i)
		if err == nil {
			s.emit(n, Text(s.doc[i:end]))
		}
		return end, err
	default:
		end, err := skipScalar(s.doc, i)
		if err == nil && c != 'n' {
			s.emit(n, alias(s.doc[i:end]))
		}
		return end, err
	}
}

func (s *Shape) emit(n *node, value string) {
	if len(n.path) > maxPath {
		return
	}
	if n.leaf == nil {
		l := s.leaves[n.path] // keys that contain dots lead to names of other nodes
		if l == nil {
			l = &Leaf{n.path, len(s.leaves)}
			s.leaves[n.path] = l
		}
		n.leaf = l
	}
	if s.plain != nil {
		s.stop = !s.plain(n.leaf.Path, value)
		return
	}
	s.stop = !s.yield(n.leaf, value)
}

func (s *Shape) object(i int, n *node, depth int) (int, error) {
	if depth <= 0 {
		return i, ErrDepth
	}
	doc := s.doc
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == '}' {
		return i + 1, nil
	}
	n.next = 0
	for {
		key, val, err := Key(doc, i)
		if err != nil {
			return val, err
		}
		sub, err := s.kid(n, key)
		if err != nil {
			return i, err
		}
		if i, err = s.value(val, sub, depth-1); err != nil || s.stop {
			return i, err
		}
		var more bool
		if i, more, err = Next(doc, i, '}'); err != nil || !more {
			return i, err
		}
	}
}

func (s *Shape) array(i int, n *node, depth int) (int, error) {
	if depth <= 0 {
		return i, ErrDepth
	}
	doc := s.doc
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == ']' {
		return i + 1, nil
	}
	if n.each == nil {
		each, err := s.node(n, "{}")
		if err != nil {
			return i, err
		}
		n.each = each
	}
	for {
		var err error
		if i, err = s.value(i, n.each, depth-1); err != nil || s.stop {
			return i, err
		}
		var more bool
		if i, more, err = Next(doc, i, ']'); err != nil || !more {
			return i, err
		}
	}
}

// kid returns the node of a key as written.
func (s *Shape) kid(n *node, key []byte) (*node, error) {
	for k := n.next; k < len(n.kids); k++ {
		if n.kids[k].key == string(key) {
			n.next = k + 1
			return n.kids[k].to, nil
		}
		if k >= n.next+farKids {
			break
		}
	}
	if n.far == nil {
		for k := range min(n.next, len(n.kids)) {
			if n.kids[k].key == string(key) {
				n.next = k + 1
				return n.kids[k].to, nil
			}
		}
	} else if k, ok := n.far[string(key)]; ok {
		n.next = k + 1
		return n.kids[k].to, nil
	}
	step := "." + Text(key)
	if n == s.root {
		step = step[1:]
	}
	to, err := s.node(n, step)
	if err != nil {
		return nil, err
	}
	k := kid{string(key), to}
	n.kids = append(n.kids, k)
	n.next = len(n.kids)
	switch {
	case n.far != nil:
		n.far[k.key] = len(n.kids) - 1
	case len(n.kids) > farKids:
		n.far = map[string]int{}
		for i := range n.kids {
			n.far[n.kids[i].key] = i
		}
	}
	s.grown += len(key)
	s.size += len(key)
	return to, nil
}

// node returns a new node one step from n. Paths longer than the maximum name
// get no name, and need no memory for it.
func (s *Shape) node(n *node, step string) (*node, error) {
	to := &node{path: n.path}
	if len(n.path) <= maxPath {
		to.path = n.path + step
	}
	s.nodes++
	s.grown += nodeSize + len(to.path)
	s.size += len(to.path)
	if s.grown > maxNames {
		return nil, ErrNames
	}
	return to, nil
}
