// Package jsonscan reads JSON in place: it finds the ends of values, walks
// leaves and follows paths without building anything. Its results share the
// document's bytes, which must not change while they are in use.
//
// It accepts what encoding/json.Valid accepts, including the escapes in
// strings, except that nesting is limited. Like there, bytes that are not UTF-8
// are accepted; texts made from them are valid UTF-8.
package jsonscan

import (
	"errors"
	"fmt"
)

// MaxDepth is the maximum nesting depth.
const MaxDepth = 512

// ErrIncomplete reports that a document ends inside a value.
var ErrIncomplete = errors.New("the JSON ends inside a value")

// ErrDepth reports that a document nests too deeply.
var ErrDepth = errors.New("the JSON is nested too deep")

// SyntaxError reports an unexpected byte.
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

// Space returns the offset of the first byte at or after i that is not white
// space.
func Space(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

// Skip returns the offset after the value that begins at i, which must not be
// white space. It validates the value. Nesting is limited by maxDepth, at most
// MaxDepth.
func Skip(doc []byte, i, maxDepth int) (int, error) {
	if i < len(doc) && doc[i] != '{' && doc[i] != '[' {
		return skipFlat(doc, i)
	}
	var objects [MaxDepth / 64]uint64 // one bit per level: set for an object
	var err error
	depth, object := 0, false
	for {
		// Expect a value.
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
		// Expect a comma or the end of the open object or array.
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

// skipFlat is Skip for a value that is neither an object nor an array.
func skipFlat(doc []byte, i int) (int, error) {
	if doc[i] == '"' {
		return SkipString(doc, i)
	}
	return skipScalar(doc, i)
}

// skipKey skips a key, the colon after it and white space around them.
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

// Key reads the key at i and the colon after it. It returns the key with its
// quotes and the offset of the value.
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

// Next reads what follows a member or an element that ends at i: a comma (more
// is true and the offset is that of the next one) or the closing byte.
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
