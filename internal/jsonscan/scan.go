// Package jsonscan reads JSON where it lies: it finds the ends of values, walks
// leaves and follows paths without building anything. What it hands out shares
// the document's bytes, which must not change while it is in use.
//
// What it takes is what encoding/json.Valid takes, down to the escapes in
// strings, save that nesting is bounded. Bytes that are no UTF-8 are let
// through, as there; the texts made of them are valid.
package jsonscan

import (
	"errors"
	"fmt"
)

// MaxDepth is the deepest nesting that is followed.
const MaxDepth = 512

// ErrIncomplete says that a document ends inside a value.
var ErrIncomplete = errors.New("the JSON ends inside a value")

// ErrDepth says that a document nests deeper than it may.
var ErrDepth = errors.New("the JSON is nested too deep")

// SyntaxError is a byte where another had to stand.
type SyntaxError struct {
	Offset int
	Msg    string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset)
}

func syntax(doc []byte, i int, want string) error {
	if i >= len(doc) {
		return ErrIncomplete
	}
	return &SyntaxError{i, fmt.Sprintf("found %q, expected %s", doc[i], want)}
}

// Space returns the offset of the first byte at or after i that is no white
// space.
func Space(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// Skip returns the offset behind the value that begins at i, which must not be
// white space. The value's grammar is checked; nesting is bounded by maxDepth,
// at most MaxDepth.
func Skip(doc []byte, i, maxDepth int) (int, error) {
	if i < len(doc) && doc[i] != '{' && doc[i] != '[' {
		return skipFlat(doc, i)
	}
	var objects [MaxDepth / 64]uint64 // a bit a level: set where it is an object
	var err error
	depth, object := 0, false
	for {
		// A value is due.
		if i >= len(doc) {
			return i, ErrIncomplete
		}
		switch c := doc[i]; c {
		case '"':
			i = Mark(doc, i+1)
			if i < len(doc) && doc[i] == '"' {
				i++
			} else if i, err = skipMarked(doc, i); err != nil {
				return i, err
			}
		case '{', '[':
			if depth >= maxDepth || depth >= MaxDepth {
				return i, ErrDepth
			}
			object = c == '{'
			bit := uint64(1) << (depth & 63)
			if object {
				objects[depth>>6] |= bit
			} else {
				objects[depth>>6] &^= bit
			}
			depth++
			if i++; i < len(doc) && doc[i] <= ' ' {
				i = Space(doc, i)
			}
			if i >= len(doc) || doc[i] != c+2 { // neither {} nor []
				if object {
					if i, err = skipKey(doc, i); err != nil {
						return i, err
					}
				}
				continue
			}
		default:
			if i, err = skipScalar(doc, i); err != nil {
				return i, err
			}
		}
		// A comma or the end of what is open is due.
		for {
			if i < len(doc) && doc[i] <= ' ' {
				i = Space(doc, i)
			}
			if i >= len(doc) {
				return i, ErrIncomplete
			}
			c := doc[i]
			if c == ',' {
				if i++; object {
					if i, err = skipKey(doc, i); err != nil {
						return i, err
					}
				} else if i < len(doc) && doc[i] <= ' ' {
					i = Space(doc, i)
				}
				break
			}
			if object && c != '}' || !object && c != ']' {
				if object {
					return i, syntax(doc, i, "a comma or }")
				}
				return i, syntax(doc, i, "a comma or ]")
			}
			i++
			if depth--; depth == 0 {
				return i, nil
			}
			object = objects[(depth-1)>>6]>>((depth-1)&63)&1 == 1
		}
	}
}

// skipFlat is Skip for a value that is no object and no array.
func skipFlat(doc []byte, i int) (int, error) {
	if doc[i] == '"' {
		return SkipString(doc, i)
	}
	return skipScalar(doc, i)
}

// skipKey passes over a key, the colon behind it and white space around them.
func skipKey(doc []byte, i int) (int, error) {
	if i < len(doc) && doc[i] <= ' ' {
		i = Space(doc, i)
	}
	if i >= len(doc) || doc[i] != '"' {
		return i, syntax(doc, i, "a key in quotes")
	}
	i = Mark(doc, i+1)
	if i < len(doc) && doc[i] == '"' {
		i++
	} else {
		var err error
		if i, err = skipMarked(doc, i); err != nil {
			return i, err
		}
	}
	if i < len(doc) && doc[i] != ':' {
		i = Space(doc, i)
	}
	if i >= len(doc) || doc[i] != ':' {
		return i, syntax(doc, i, "a colon")
	}
	if i++; i < len(doc) && doc[i] <= ' ' {
		i = Space(doc, i)
	}
	return i, nil
}

// Key reads the key at i and the colon behind it: the key with its quotes and
// the offset of the value.
func Key(doc []byte, i int) (key []byte, value int, err error) {
	if i >= len(doc) || doc[i] != '"' {
		return nil, i, syntax(doc, i, "a key in quotes")
	}
	end, err := SkipString(doc, i)
	if err != nil {
		return nil, end, err
	}
	value = end
	if value < len(doc) && doc[value] != ':' {
		value = Space(doc, value)
	}
	if value >= len(doc) || doc[value] != ':' {
		return nil, value, syntax(doc, value, "a colon")
	}
	if value++; value < len(doc) && doc[value] <= ' ' {
		value = Space(doc, value)
	}
	return doc[i:end], value, nil
}

// Next reads what stands behind a member or an element that ends at i: a comma
// (more is true and the offset that of the next one) or the closing byte.
func Next(doc []byte, i int, closing byte) (next int, more bool, err error) {
	if i < len(doc) && doc[i] <= ' ' {
		i = Space(doc, i)
	}
	switch {
	case i < len(doc) && doc[i] == ',':
		if i++; i < len(doc) && doc[i] <= ' ' {
			i = Space(doc, i)
		}
		return i, true, nil
	case i < len(doc) && doc[i] == closing:
		return i + 1, false, nil
	}
	return i, false, syntax(doc, i, "a comma or "+string(closing))
}
