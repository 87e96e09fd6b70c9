// Package jsonscan reads JSON where it lies: it finds the ends of values, walks
// leaves and follows paths without building anything. What it hands out shares
// the document's bytes, which must not change while it is in use.
//
// The grammar is JSON's, with one leniency: control characters inside strings
// and invalid UTF-8 are let through, since logs hold them.
package jsonscan

import (
	"bytes"
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
	var objects [MaxDepth / 64]uint64 // a bit a level: set where it is an object
	depth := 0
	for {
		// a value
		if i >= len(doc) {
			return i, ErrIncomplete
		}
		var err error
		switch c := doc[i]; {
		case c == '"':
			i, err = SkipString(doc, i)
		case c == '{' || c == '[':
			if depth >= maxDepth || depth >= MaxDepth {
				return i, ErrDepth
			}
			bit := uint64(1) << (depth & 63)
			if c == '{' {
				objects[depth>>6] |= bit
			} else {
				objects[depth>>6] &^= bit
			}
			depth++
			i = Space(doc, i+1)
			if i < len(doc) && doc[i] == c+2 { // {} or []
				i++
				depth--
				break
			}
			if c == '{' {
				if _, i, err = Key(doc, i); err != nil {
					return i, err
				}
			}
			continue
		default:
			i, err = skipScalar(doc, i)
		}
		if err != nil {
			return i, err
		}
		// behind a value
		for {
			if depth == 0 {
				return i, nil
			}
			if i < len(doc) && doc[i] <= ' ' {
				i = Space(doc, i)
			}
			if i >= len(doc) {
				return i, ErrIncomplete
			}
			object := objects[(depth-1)>>6]>>((depth-1)&63)&1 == 1
			c := doc[i]
			if c == ',' {
				i = Space(doc, i+1)
				if object {
					if _, i, err = Key(doc, i); err != nil {
						return i, err
					}
				}
				break
			}
			if object && c == '}' || !object && c == ']' {
				depth--
				i++
				continue
			}
			if object {
				return i, syntax(doc, i, "a comma or }")
			}
			return i, syntax(doc, i, "a comma or ]")
		}
	}
}

// SkipString returns the offset behind the string whose opening quote is at i.
func SkipString(doc []byte, i int) (int, error) {
	from := i + 1
	for {
		n := bytes.IndexByte(doc[from:], '"')
		if n < 0 {
			return len(doc), ErrIncomplete
		}
		end := from + n
		if doc[end-1] != '\\' {
			return end + 1, nil
		}
		slashes := 0
		for j := end - 1; j > i && doc[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return end + 1, nil
		}
		from = end + 1
	}
}

func skipScalar(doc []byte, i int) (int, error) {
	switch c := doc[i]; {
	case c == 't':
		return skipWord(doc, i, "true")
	case c == 'f':
		return skipWord(doc, i, "false")
	case c == 'n':
		return skipWord(doc, i, "null")
	case c == '-' || c-'0' <= 9:
		return skipNumber(doc, i)
	}
	return i, syntax(doc, i, "a value")
}

func skipWord(doc []byte, i int, word string) (int, error) {
	if len(doc)-i < len(word) {
		if string(doc[i:]) == word[:len(doc)-i] {
			return len(doc), ErrIncomplete
		}
		return i, syntax(doc, i, word)
	}
	if string(doc[i:i+len(word)]) != word {
		return i, syntax(doc, i, word)
	}
	return i + len(word), nil
}

func skipNumber(doc []byte, i int) (int, error) {
	digits := func() bool {
		start := i
		for i < len(doc) && doc[i]-'0' <= 9 {
			i++
		}
		return i > start
	}
	if doc[i] == '-' {
		i++
	}
	switch {
	case i < len(doc) && doc[i] == '0':
		i++
	case !digits():
		return i, syntax(doc, i, "a digit")
	}
	if i < len(doc) && doc[i] == '.' {
		i++
		if !digits() {
			return i, syntax(doc, i, "a digit")
		}
	}
	if i < len(doc) && doc[i]|0x20 == 'e' {
		i++
		if i < len(doc) && (doc[i] == '+' || doc[i] == '-') {
			i++
		}
		if !digits() {
			return i, syntax(doc, i, "a digit")
		}
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
	return doc[i:end], Space(doc, value+1), nil
}

// Next reads what stands behind a member or an element that ends at i: a comma
// (more is true and the offset that of the next one) or the closing byte.
func Next(doc []byte, i int, closing byte) (next int, more bool, err error) {
	if i < len(doc) && doc[i] <= ' ' {
		i = Space(doc, i)
	}
	switch {
	case i < len(doc) && doc[i] == ',':
		return Space(doc, i+1), true, nil
	case i < len(doc) && doc[i] == closing:
		return i + 1, false, nil
	}
	return i, false, syntax(doc, i, "a comma or "+string(closing))
}
