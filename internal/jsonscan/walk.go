package jsonscan

import (
	"bytes"
	"sync"
)

// Object calls yield for each member of the object at i: its key as text and
// the bytes of its value. It returns the offset behind the object. yield
// returns false to stop early; the offset is then that of the value's end.
func Object(doc []byte, i, maxDepth int, yield func(key string, value []byte) bool) (int, error) {
	if i >= len(doc) || doc[i] != '{' {
		return i, syntax(doc, i, "an object")
	}
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == '}' {
		return i + 1, nil
	}
	for {
		key, val, err := Key(doc, i)
		if err != nil {
			return val, err
		}
		if i, err = Skip(doc, val, maxDepth-1); err != nil {
			return i, err
		}
		if !yield(Text(key), doc[val:i]) {
			return i, nil
		}
		var more bool
		if i, more, err = Next(doc, i, '}'); err != nil || !more {
			return i, err
		}
	}
}

// Array calls yield for the bytes of each element of the array at i; see
// Object.
func Array(doc []byte, i, maxDepth int, yield func(value []byte) bool) (int, error) {
	if i >= len(doc) || doc[i] != '[' {
		return i, syntax(doc, i, "an array")
	}
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == ']' {
		return i + 1, nil
	}
	for {
		val := i
		var err error
		if i, err = Skip(doc, val, maxDepth-1); err != nil {
			return i, err
		}
		if !yield(doc[val:i]) {
			return i, nil
		}
		var more bool
		if i, more, err = Next(doc, i, ']'); err != nil || !more {
			return i, err
		}
	}
}

// Kind is what a value is.
type Kind uint8

// The kinds of JSON values.
const (
	Null Kind = iota
	Bool
	Number
	String
	Composite // an object or an array
)

// KindOf returns the kind of a value by its first byte.
func KindOf(value []byte) Kind {
	if len(value) == 0 {
		return Null
	}
	switch value[0] {
	case '"':
		return String
	case '{', '[':
		return Composite
	case 't', 'f':
		return Bool
	case 'n':
		return Null
	}
	return Number
}

// Scalar returns the text of a string, number or boolean as Splunk shows it.
func Scalar(value []byte) string {
	if value[0] == '"' {
		return Text(value)
	}
	return alias(value)
}

// Leaves calls yield for every scalar in the document that is no null, under
// its Splunk name: keys joined by dots, {} for each step into an array. yield
// returns false to stop. The paths may be kept; the values share the document.
func Leaves(doc []byte, maxDepth int, yield func(path, value string) bool) error {
	w := walkers.Get().(*walker)
	defer walkers.Put(w)
	w.doc, w.yield, w.path, w.stop = doc, yield, w.path[:0], false
	i := Space(doc, 0)
	end, err := w.value(i, min(maxDepth, MaxDepth))
	w.doc, w.yield = nil, nil
	if err != nil || w.stop {
		return err
	}
	if end = Space(doc, end); end < len(doc) {
		return syntax(doc, end, "the end")
	}
	return nil
}

// maxPaths bounds the paths a walker remembers, so that documents whose keys
// never repeat cost no memory.
const maxPaths = 1 << 14

var walkers = sync.Pool{New: func() any { return &walker{paths: map[string]string{}} }}

type walker struct {
	doc   []byte
	yield func(path, value string) bool
	path  []byte
	paths map[string]string
	stop  bool
}

func (w *walker) name() string {
	if s, ok := w.paths[string(w.path)]; ok {
		return s
	}
	s := string(w.path)
	if len(w.paths) >= maxPaths {
		clear(w.paths)
	}
	w.paths[s] = s
	return s
}

func (w *walker) value(i, depth int) (int, error) {
	if i >= len(w.doc) {
		return i, ErrIncomplete
	}
	switch c := w.doc[i]; c {
	case '{':
		return w.object(i, depth)
	case '[':
		return w.array(i, depth)
	case '"':
		end, err := SkipString(w.doc, i)
		if err == nil {
			w.stop = !w.yield(w.name(), Text(w.doc[i:end]))
		}
		return end, err
	default:
		end, err := skipScalar(w.doc, i)
		if err == nil && c != 'n' {
			w.stop = !w.yield(w.name(), alias(w.doc[i:end]))
		}
		return end, err
	}
}

func (w *walker) object(i, depth int) (int, error) {
	if depth == 0 {
		return i, ErrDepth
	}
	doc, base := w.doc, len(w.path)
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == '}' {
		return i + 1, nil
	}
	for {
		key, val, err := Key(doc, i)
		if err != nil {
			return val, err
		}
		if base > 0 {
			w.path = append(w.path, '.')
		}
		w.path = appendKey(w.path, key)
		if i, err = w.value(val, depth-1); err != nil || w.stop {
			return i, err
		}
		w.path = w.path[:base]
		var more bool
		if i, more, err = Next(doc, i, '}'); err != nil || !more {
			return i, err
		}
	}
}

func appendKey(path, quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return append(path, quoted[1:len(quoted)-1]...)
	}
	return append(path, Text(quoted)...)
}

func (w *walker) array(i, depth int) (int, error) {
	if depth == 0 {
		return i, ErrDepth
	}
	doc, base := w.doc, len(w.path)
	w.path = append(w.path, '{', '}')
	i = Space(doc, i+1)
	if i < len(doc) && doc[i] == ']' {
		w.path = w.path[:base]
		return i + 1, nil
	}
	for {
		var err error
		if i, err = w.value(i, depth-1); err != nil || w.stop {
			return i, err
		}
		var more bool
		if i, more, err = Next(doc, i, ']'); err != nil || !more {
			w.path = w.path[:base]
			return i, err
		}
	}
}
