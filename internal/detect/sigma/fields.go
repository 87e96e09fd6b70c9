package sigma

import (
	"bytes"
	"iter"
	"slices"
	"strings"
	"unsafe"

	"bluetrail/internal/jsonscan"
)

// fieldTable numbers the fields that rules ask for.
type fieldTable struct {
	ids   map[string]int
	names []string
}

func (t *fieldTable) id(name string) int {
	if id, ok := t.ids[name]; ok {
		return id
	}
	if t.ids == nil {
		t.ids = map[string]int{}
	}
	id := len(t.names)
	t.ids[name] = id
	t.names = append(t.names, name)
	return id
}

// path is a node in the tree of the fields that are wanted.
type path struct {
	id   int // of the field, -1 = only fields below it are wanted
	kids map[string]*path
	// marks has a bit for each key of kids, by mark: most other keys need no lookup.
	marks uint64
}

// mark returns the bit of a key that is not empty.
func mark(key string) uint64 { return 1 << ((len(key)*7 + int(key[0])) & 63) }

// tree returns the tree of all fields of a table.
func (t *fieldTable) tree() *path { return tree(slices.All(t.names)) }

// tree returns the tree of numbered fields.
func tree(fields iter.Seq2[int, string]) *path {
	root := &path{id: -1}
	for id, name := range fields {
		if _, ok := derivedField(name); ok {
			continue
		}
		p := root
		for key := range strings.SplitSeq(name, ".") {
			next := p.kids[key]
			if next == nil {
				if p.kids == nil {
					p.kids = map[string]*path{}
				}
				next = &path{id: -1}
				p.kids[key] = next
				if key == "" {
					p.marks = ^uint64(0)
				} else {
					p.marks |= mark(key)
				}
			}
			p = next
		}
		p.id = id
	}
	return root
}

// at returns the node of a key as written, with its quotes, nil if nothing at or below
// it is wanted. A key may have dots itself.
func (p *path) at(quoted []byte) *path {
	key := alias(quoted[1 : len(quoted)-1])
	if key != "" && p.marks&mark(key) != 0 {
		if next := p.kids[key]; next != nil {
			return next
		}
	}
	if strings.IndexByte(key, '\\') >= 0 {
		key = jsonscan.Text(quoted)
	} else if key != "" && strings.IndexByte(key, '.') < 0 {
		return nil
	}
	for part := range strings.SplitSeq(key, ".") {
		if p = p.kids[part]; p == nil {
			return nil
		}
	}
	return p
}

// record is an event as AWS wrote it. All wanted fields are found in one walk, when
// the first of them is asked for.
type record struct {
	root   *path
	raw    []byte
	cells  []cell
	turn   uint64 // of reset; cells of earlier turns are empty
	walked bool
	folds  []byte // folded texts; values share it
	words  []value
	worded bool // words has the texts of the leaves

	derived *deriver // nil = no derived fields are wanted

	keys    []string // a key of each field by number, "" = unknown; nil = none are known
	lacking int      // how often lacks searched the record

	texts map[int]*seenTexts // by the number of a recurring field

	lent   Lender
	places []int32 // of the fields among those that lent knows, by number; -1 = it does not
}

// cell is what a field has in an event.
type cell struct {
	turn    uint64
	known   bool // the values are complete though the record was not walked through
	present bool // the key is there, if only with null
	absent  bool // the key is not there
	values  []value
}

// value is one value of a field that is not null.
type value struct {
	json   []byte
	kind   jsonscan.Kind
	ready  bool // text is set
	fold   bool // folded is set
	text   string
	folded string
}

// newRecord returns a record that finds the fields of a tree, whose numbers are below
// n.
func newRecord(n int, root *path) *record {
	return &record{root: root, cells: make([]cell, n)}
}

// reset makes r another event: an object of valid JSON, which must not change while
// r is in use.
func (r *record) reset(raw []byte) {
	r.raw, r.walked, r.worded, r.lacking = raw, false, false, 0
	r.folds, r.words = r.folds[:0], r.words[:0]
	r.turn++
	if r.derived != nil {
		r.derived.done = false
	}
}

// know gives a field its value before the walk, so that rules that only ask for it
// cause none.
func (r *record) know(id int, text string) {
	c := r.fresh(id)
	c.present, c.known = true, true
	c.values = append(c.values, value{kind: jsonscan.String, text: text, ready: true})
}

// fresh returns the cell of a field, empty if it is of an earlier event.
func (r *record) fresh(id int) *cell {
	c := &r.cells[id]
	if c.turn != r.turn {
		c.turn, c.known, c.present, c.absent, c.values = r.turn, false, false, false, c.values[:0]
	}
	return c
}

// cell returns a field.
func (r *record) cell(id int) *cell {
	if c := &r.cells[id]; c.turn == r.turn && (r.walked || c.known) {
		return c
	}
	if c, ok := r.derive(id); ok {
		return c
	}
	if !r.walked && r.borrow(id) {
		return &r.cells[id]
	}
	if !r.walked && r.lacks(id) {
		c := r.fresh(id)
		c.known, c.absent = true, true
		return c
	}
	r.find()
	return r.fresh(id)
}

// maxLacking is how often a record is searched for a key before it is walked through,
// which costs as much as a few searches.
const maxLacking = 4

var escaped = []byte(`\u`)

// lacks reports whether a record cannot have a field, since one of its keys is nowhere in
// the text. A key that is written with escapes could be anything.
func (r *record) lacks(id int) bool {
	if r.keys == nil || r.keys[id] == "" || r.lacking == maxLacking {
		return false
	}
	r.lacking++
	return !bytes.Contains(r.raw, unsafe.Slice(unsafe.StringData(r.keys[id]), len(r.keys[id]))) && !bytes.Contains(r.raw, escaped)
}

// rareKey returns the key of a field that the fewest records have: the last one, unless
// that is a common word.
func rareKey(field string) string {
	path := strings.Split(field, ".")
	key := path[len(path)-1]
	for _, k := range path[1:] {
		if len(key) < 10 && len(k) > len(key) {
			key = k
		}
	}
	return key
}

// Lender gives the texts of fields that its owner has read already, by their places. A
// text must share the bytes of the record.
type Lender func(i int) (text string, state Lent)

// Lent is what a Lender knows of a field.
type Lent uint8

// The states of a field.
const (
	NotLent Lent = iota // the Evaluator has to look itself
	Missing             // the record lacks it
	Blank               // it is missing or null
	Given               // it has the text
)

// borrow takes a field from the lender.
func (r *record) borrow(id int) bool {
	if r.lent == nil || r.places[id] < 0 {
		return false
	}
	text, state := r.lent(int(r.places[id]))
	switch state {
	case NotLent:
		return false
	case Missing, Blank:
		c := r.fresh(id)
		c.known, c.absent = true, state == Missing
		return true
	}
	if len(text) == 0 || len(r.raw) == 0 {
		return false
	}
	from := uintptr(unsafe.Pointer(unsafe.StringData(text))) - uintptr(unsafe.Pointer(unsafe.SliceData(r.raw)))
	if from == 0 || from >= uintptr(len(r.raw)) || int(from)+len(text) >= len(r.raw) {
		return false // a copy: it had escapes
	}
	v := value{text: text, ready: true}
	if start, end := int(from), int(from)+len(text); r.raw[start-1] == '"' {
		v.json, v.kind = r.raw[start-1:end+1], jsonscan.String
	} else {
		v.json = r.raw[start:end]
		v.kind = jsonscan.KindOf(v.json)
	}
	c := r.fresh(id)
	c.known, c.present = true, true
	c.values = append(c.values, v)
	return true
}

// find walks through the record, once.
func (r *record) find() {
	if !r.walked {
		r.walked = true
		r.turn++ // what was known is found again
		r.walk(jsonscan.Space(r.raw, 0), r.root, jsonscan.MaxDepth)
	}
}

// walk collects the wanted fields of the value at i: members of objects, those of all
// elements of arrays, and keys that have dots themselves. It returns the offset after
// the value, -1 if the JSON is broken there.
func (r *record) walk(i int, p *path, depth int) int {
	raw := r.raw
	if i >= len(raw) || depth <= 0 {
		return -1
	}
	var more bool
	var err error
	switch raw[i] {
	case '[':
		if i = jsonscan.Space(raw, i+1); i < len(raw) && raw[i] == ']' {
			return i + 1
		}
		for {
			if i = r.walk(i, p, depth-1); i < 0 {
				return -1
			}
			if i, more, err = jsonscan.Next(raw, i, ']'); err != nil {
				return -1
			} else if !more {
				return i
			}
		}
	case '{':
		if i = jsonscan.Space(raw, i+1); i < len(raw) && raw[i] == '}' {
			return i + 1
		}
		for {
			key, at, err := jsonscan.Key(raw, i)
			if err != nil {
				return -1
			}
			switch next := p.at(key); {
			case next == nil:
				if i, err = jsonscan.Skip(raw, at, depth-1); err != nil {
					return -1
				}
			case next.kids == nil:
				if i, err = jsonscan.Skip(raw, at, depth-1); err != nil {
					return -1
				}
				r.take(next.id, raw[at:i], depth-1)
			default:
				if i = r.walk(at, next, depth-1); i < 0 {
					return -1
				}
				if next.id >= 0 {
					r.take(next.id, raw[at:i], depth-1)
				}
			}
			if i, more, err = jsonscan.Next(raw, i, '}'); err != nil {
				return -1
			} else if !more {
				return i
			}
		}
	}
	if i, err = jsonscan.Skip(raw, i, 1); err != nil {
		return -1
	}
	return i
}

// take adds a value to a field: an array as its elements and, as an object, as
// compact JSON.
func (r *record) take(id int, json []byte, depth int) {
	c := r.fresh(id)
	c.present = true
	c.add(json, depth)
}

func (c *cell) add(json []byte, depth int) {
	kind := jsonscan.KindOf(json)
	if kind == jsonscan.Null {
		return
	}
	if kind == jsonscan.Composite && json[0] == '[' && depth > 0 {
		jsonscan.Array(json, 0, jsonscan.MaxDepth, func(v []byte) bool {
			c.add(v, depth-1)
			return true
		})
	}
	c.values = append(c.values, value{json: json, kind: kind})
}

// plain returns the text of a value.
func (v *value) plain() string {
	if !v.ready {
		v.ready = true
		switch v.kind {
		case jsonscan.String:
			v.text = jsonscan.Text(v.json)
		case jsonscan.Composite:
			v.text = alias(jsonscan.Compact(v.json))
		default:
			v.text = alias(v.json)
		}
	}
	return v.text
}

// lower returns the text with its case folded.
func (v *value) lower(r *record) string {
	if !v.fold {
		v.folded, v.fold = r.fold(v.plain()), true
	}
	return v.folded
}

// fold is the function fold, without an allocation for ASCII.
func (r *record) fold(s string) string {
	upper := false
	for i := range len(s) {
		if c := s[i]; c >= 0x80 {
			return fold(s)
		} else if c-'A' < 26 {
			upper = true
		}
	}
	if !upper {
		return s
	}
	from := len(r.folds)
	r.folds = append(r.folds, s...)
	out := r.folds[from:]
	for i, c := range out {
		if c-'A' < 26 {
			out[i] = c + 'a' - 'A'
		}
	}
	return alias(out)
}

// alias returns bytes as a string that shares them.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// everything returns the texts that keywords are looked for in: the record as it is
// written, and, if leaves is set or the record has escapes, each of its leaves.
func (r *record) everything(leaves bool) []value {
	if len(r.words) == 0 {
		r.words = append(r.words, value{kind: jsonscan.String, text: alias(r.raw), ready: true})
	}
	if !r.worded && (leaves || strings.IndexByte(r.words[0].text, '\\') >= 0) {
		r.worded = true
		jsonscan.Leaves(r.raw, jsonscan.MaxDepth, func(_, text string) bool {
			r.words = append(r.words, value{kind: jsonscan.String, text: text, ready: true})
			return true
		})
	}
	return r.words
}

// elements calls yield for the values of a field that are array elements; what is no
// array is its own only element.
func (r *record) elements(id int, yield func(json []byte)) {
	for i := range r.cell(id).values {
		if v := &r.cells[id].values[i]; v.json != nil && v.json[0] != '[' {
			yield(v.json)
		}
	}
}
