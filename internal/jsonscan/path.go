package jsonscan

import (
	"fmt"
	"strconv"
	"strings"
)

// Path is a compiled spath path: keys joined by dots, {} for all elements of an
// array, {n} for element n, counted from 0, and {@name} for an attribute, which
// JSON does not have.
type Path struct{ steps []Step }

// Step is one step of a Path: a key, an attribute or, with neither, elements.
type Step struct {
	Key, Attr string
	Index     int // the element, Every = all
}

// Every is the index of all elements.
const Every = -1

// Steps returns the steps of p, which must not be changed.
func (p Path) Steps() []Step { return p.steps }

// maxSteps limits the length of a path.
const maxSteps = 256

// ParsePath parses a path such as a.b{}.c{0}; a leading {} is for documents
// that are arrays.
func ParsePath(s string) (Path, error) {
	var p Path
	for rest := s; rest != ""; {
		if len(p.steps) >= maxSteps {
			return p, fmt.Errorf("path has more than %d steps", maxSteps)
		}
		if rest[0] == '{' {
			end := strings.IndexByte(rest, '}')
			if end < 0 {
				return p, fmt.Errorf("{ of path %q is not closed", s)
			}
			st := Step{Index: Every}
			if in := rest[1:end]; len(in) > 1 && in[0] == '@' {
				st.Attr = in[1:]
			} else if in != "" {
				n, err := strconv.Atoi(in)
				if err != nil || n < 0 {
					return p, fmt.Errorf("path %q: {%s} must hold a number, @ and the name of an attribute, or nothing", s, in)
				}
				st.Index = n
			}
			p.steps = append(p.steps, st)
			rest = strings.TrimPrefix(rest[end+1:], ".")
			continue
		}
		end := strings.IndexAny(rest, ".{")
		switch {
		case end < 0:
			p.steps = append(p.steps, Step{Key: rest})
			rest = ""
		case end == 0:
			return p, fmt.Errorf("path %q has an empty step", s)
		default:
			p.steps = append(p.steps, Step{Key: rest[:end]})
			rest = strings.TrimPrefix(rest[end:], ".")
		}
	}
	return p, nil
}

// Get calls yield for each value at the path, in document order; values are the
// bytes of the document. An object under {} is treated as an array with that
// object as its only element. A key applied to an array without {} finds
// nothing. A key that itself contains dots is found too. A document that is not
// JSON is an error.
func (p Path) Get(doc []byte, yield func(value []byte) bool) error {
	i := Space(doc, 0)
	end, err := Skip(doc, i, MaxDepth)
	if err != nil {
		return err
	}
	if rest := Space(doc, end); rest < len(doc) {
		return syntax(doc, rest, "the end")
	}
	get(doc[i:end], p.steps, yield)
	return nil
}

// get returns false if yield asked to stop.
func get(value []byte, steps []Step, yield func([]byte) bool) bool {
	if len(steps) == 0 {
		return yield(value)
	}
	st := steps[0]
	if st.Attr != "" {
		return true
	}
	if st.Key == "" {
		return getIndex(value, st.Index, steps[1:], yield)
	}
	if value[0] != '{' {
		return true
	}
	more := true
	Object(value, 0, MaxDepth, func(key string, val []byte) bool {
		if n := matchKey(key, steps); n > 0 {
			more = get(val, steps[n:], yield)
		}
		return more
	})
	return more
}

// matchKey returns how many steps a key matches: 1, more if the key contains
// dots, 0 if it does not match.
func matchKey(key string, steps []Step) int {
	if key == steps[0].Key {
		return 1
	}
	for n := 1; strings.HasPrefix(key, steps[n-1].Key) && n < len(steps); n++ {
		key = key[len(steps[n-1].Key):]
		if key == "" || key[0] != '.' || steps[n].Key == "" {
			return 0
		}
		key = key[1:]
		if key == steps[n].Key {
			return n + 1
		}
	}
	return 0
}

func getIndex(value []byte, index int, steps []Step, yield func([]byte) bool) bool {
	switch value[0] {
	case '{':
		return index > 0 || get(value, steps, yield)
	case '[':
	default:
		return true
	}
	n, more := 0, true
	Array(value, 0, MaxDepth, func(el []byte) bool {
		if index == Every || n == index {
			more = get(el, steps, yield)
		}
		n++
		return more && (index == Every || n <= index)
	})
	return more
}
