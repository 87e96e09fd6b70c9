package event

import (
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"

	"bluetrail/internal/jsonscan"
)

// way remembers the objects at one branch: their keys in order of appearance.
// Records are alike, so a key is nearly always the expected one and need not be
// parsed.
type way struct {
	steps []step
	other step // for keys that are not remembered
}

type step struct {
	key string // as written, with its quotes and the colon
	to  *branch
	// skipped is the last object or array skipped here, with the remaining
	// depth when it was validated; nil = none.
	skipped []byte
	depth   int
}

// Limits on what a Row remembers per branch.
const (
	maxSteps    = 40
	maxStepKey  = 64
	maxSkipped  = 1 << 10
	nearbySteps = 6 // compared before a key is parsed
)

// Read is the first half of Extract: it reads the leaves of a record into row,
// for Identity and Finish.
func (x *Extractor) Read(raw []byte, row *Row) error {
	row.reset()
	i := jsonscan.Space(raw, 0)
	if i >= len(raw) || raw[i] != '{' {
		return notObject(raw, i)
	}
	end, err := row.object(raw, i, x.root, jsonscan.MaxDepth)
	if err != nil {
		return err
	}
	if end = jsonscan.Space(raw, end); end < len(raw) {
		return &jsonscan.SyntaxError{Offset: end, Msg: "there is more text after the record"}
	}
	return nil
}

func notObject(raw []byte, i int) error {
	if i >= len(raw) {
		return jsonscan.ErrIncomplete
	}
	return &jsonscan.SyntaxError{Offset: i, Msg: "a record must be a JSON object"}
}

func (r *Row) value(raw []byte, i int, b *branch, depth int) (int, error) {
	if i >= len(raw) {
		return i, jsonscan.ErrIncomplete
	}
	switch raw[i] {
	case '{':
		r.odd = r.odd || b.cell >= 0
		if len(b.keys) > 0 {
			return r.object(raw, i, b, depth)
		}
	case '[':
		if b.each != nil {
			return r.array(raw, i, b.each, depth)
		}
		r.odd = true
	case '"':
		if b.cell < 0 {
			break
		}
		end := jsonscan.Mark(raw, i+1)
		if end < len(raw) && raw[end] == '"' && utf8.Valid(raw[i+1:end]) {
			r.cells[b.cell].add(unsafe.String(unsafe.SliceData(raw[i+1:]), end-i-1))
			return end + 1, nil
		}
		fallthrough
	default:
		end, err := jsonscan.Skip(raw, i, depth)
		switch {
		case err != nil || b.cell < 0:
		case raw[i] == 'n':
			r.blank = true
		default:
			r.cells[b.cell].add(jsonscan.Scalar(raw[i:end]))
		}
		return end, err
	}
	return jsonscan.Skip(raw, i, depth)
}

func (r *Row) object(raw []byte, i int, b *branch, depth int) (int, error) {
	if depth <= 0 {
		return i, jsonscan.ErrDepth
	}
	i = jsonscan.Space(raw, i+1)
	if i < len(raw) && raw[i] == '}' {
		return i + 1, nil
	}
	w := &r.ways[b.id]
	at := 0 // index of the expected step
	for {
		st, val, err := w.key(raw, i, b, &at)
		if err != nil {
			return val, err
		}
		if st.to != nil {
			i, err = r.value(raw, val, st.to, depth-1)
		} else {
			i, err = st.skip(raw, val, depth-1)
		}
		if err != nil {
			return i, err
		}
		if i+1 < len(raw) && raw[i] == ',' && raw[i+1] == '"' {
			i++
			continue
		}
		var more bool
		if i, more, err = jsonscan.Next(raw, i, '}'); err != nil || !more {
			return i, err
		}
	}
}

// key returns the step of the key at i, and the offset of the value after it.
// The step is valid until the next call.
func (w *way) key(raw []byte, i int, b *branch, at *int) (*step, int, error) {
	steps := w.steps
	for n := *at; n < min(len(steps), *at+nearbySteps); n++ {
		if key := steps[n].key; len(raw)-i > len(key) && string(raw[i:i+len(key)]) == key {
			*at = n + 1
			i += len(key)
			if raw[i] <= ' ' {
				i = jsonscan.Space(raw, i)
			}
			return &steps[n], i, nil
		}
	}
	key, val, err := jsonscan.Key(raw, i)
	if err != nil {
		return nil, val, err
	}
	written := raw[i : i+len(key)]
	if colon := i + len(key); colon < len(raw) && raw[colon] == ':' {
		written = raw[i : colon+1]
	}
	for n := range steps {
		if steps[n].key == string(written) {
			*at = n + 1
			return &steps[n], val, nil
		}
	}
	to := b.findKey(key)
	if len(written) > maxStepKey || len(written) == len(key) || len(steps) >= maxSteps {
		w.other.to = to
		return &w.other, val, nil
	}
	n := min(*at, len(steps))
	w.steps = slices.Insert(steps, n, step{key: string(written), to: to})
	*at = n + 1
	return &w.steps[n], val, nil
}

// skip returns the offset after the value at i. It does not validate a value
// equal to the last one again.
func (st *step) skip(raw []byte, i, depth int) (int, error) {
	if i >= len(raw) {
		return i, jsonscan.ErrIncomplete
	}
	switch raw[i] {
	case '"':
		if end := jsonscan.Mark(raw, i+1); end < len(raw) && raw[end] == '"' {
			return end + 1, nil
		}
		return jsonscan.SkipString(raw, i)
	case '{', '[':
	default:
		return jsonscan.Skip(raw, i, depth)
	}
	if n := len(st.skipped); n > 0 && st.depth <= depth && len(raw)-i >= n && string(raw[i:i+n]) == string(st.skipped) {
		return i + n, nil
	}
	end, err := jsonscan.Skip(raw, i, depth)
	if err == nil && st.key != "" && end-i <= maxSkipped {
		st.skipped, st.depth = append(st.skipped[:0], raw[i:end]...), depth
	}
	return end, err
}

func (r *Row) array(raw []byte, i int, b *branch, depth int) (int, error) {
	if depth <= 0 {
		return i, jsonscan.ErrDepth
	}
	i = jsonscan.Space(raw, i+1)
	if i < len(raw) && raw[i] == ']' {
		return i + 1, nil
	}
	for {
		var err error
		if i, err = r.value(raw, i, b, depth-1); err != nil {
			return i, err
		}
		var more bool
		if i, more, err = jsonscan.Next(raw, i, ']'); err != nil || !more {
			return i, err
		}
	}
}

// findKey finds the branch of a key as written; a key that contains dots
// descends several branches.
func (b *branch) findKey(quoted []byte) *branch {
	if first := quoted[1]; b.begins[first>>6]>>(first&63)&1 == 0 {
		return nil
	}
	key := quoted[1 : len(quoted)-1]
	for i := range b.keys {
		if b.keys[i].key == string(key) {
			return b.keys[i].to
		}
	}
	dotted := false
	for _, c := range key {
		if c == '\\' || c >= utf8.RuneSelf {
			return b.findDotted(jsonscan.Text(quoted))
		}
		dotted = dotted || c == '.'
	}
	if dotted {
		return b.findDotted(string(key))
	}
	return nil
}

func (b *branch) findDotted(key string) *branch {
	if c := b.find(key); c != nil {
		return c
	}
	for _, seg := range strings.Split(key, ".") {
		if b = b.find(seg); b == nil {
			return nil
		}
	}
	return b
}
