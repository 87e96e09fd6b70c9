package jsonscan

import (
	"encoding/binary"
	"math/bits"
	"unsafe"
)

// Scanning processes eight bytes per word.
const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// marks sets the high bit of the first byte of w that is a quote, a backslash
// or a control character; bits of later bytes may be wrong.
func marks(w uint64) uint64 {
	quote, slash := w^lows*'"', w^lows*'\\'
	return ((quote-lows)&^quote | (slash-lows)&^slash | (w-lows*' ')&^w) & highs
}

// Mark returns the offset of the first quote, backslash or control character at
// or after i, or len(doc) if there is none.
func Mark(doc []byte, i int) int {
	for i+8 <= len(doc) {
		if m := marks(binary.LittleEndian.Uint64(doc[i:])); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(doc) && doc[i] != '"' && doc[i] != '\\' && doc[i] >= ' ' {
		i++
	}
	return i
}

// Plain returns how many leading bytes of s are printable ASCII and need no
// escape in a JSON string.
func Plain(s string) int {
	doc := unsafe.Slice(unsafe.StringData(s), len(s))
	i := 0
	for ; i+8 <= len(doc); i += 8 {
		w := binary.LittleEndian.Uint64(doc[i:])
		del := w ^ lows*0x7f
		if m := marks(w) | ((del-lows)&^del|w)&highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(doc) && doc[i] != '"' && doc[i] != '\\' && doc[i] >= ' ' && doc[i] < 0x7f {
		i++
	}
	return i
}

// SkipString returns the offset after the string whose opening quote is at i.
// Control characters and escapes that are invalid in JSON are errors.
func SkipString(doc []byte, i int) (int, error) {
	i = Mark(doc, i+1)
	if i < len(doc) && doc[i] == '"' {
		return i + 1, nil
	}
	return skipMarked(doc, i)
}

// skipMarked is SkipString from a mark inside the string.
func skipMarked(doc []byte, i int) (int, error) {
	for {
		if i >= len(doc) {
			return len(doc), ErrIncomplete
		}
		switch doc[i] {
		case '"':
			return i + 1, nil
		case '\\':
			end, err := skipEscape(doc, i)
			if err != nil {
				return end, err
			}
			i = Mark(doc, end)
		default:
			return i, syntax(doc, i, "no control character in a string")
		}
	}
}

// skipEscape returns the offset after the escape at i.
func skipEscape(doc []byte, i int) (int, error) {
	i++
	if i >= len(doc) {
		return i, ErrIncomplete
	}
	switch doc[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, nil
	case 'u':
	default:
		return i, syntax(doc, i, "an escape")
	}
	for n := 1; n <= 4; n++ {
		if i+n >= len(doc) {
			return len(doc), ErrIncomplete
		}
		if c := doc[i+n]; c-'0' > 9 && (c|0x20 < 'a' || c|0x20 > 'f') {
			return i + n, syntax(doc, i+n, "a hexadecimal digit")
		}
	}
	return i + 5, nil
}

// skipScalar returns the offset after the number or the word at i.
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
	if doc[i] == '-' {
		i++
	}
	var ok bool
	if i < len(doc) && doc[i] == '0' {
		i++
	} else if i, ok = skipDigits(doc, i); !ok {
		return i, syntax(doc, i, "a digit")
	}
	if i < len(doc) && doc[i] == '.' {
		if i, ok = skipDigits(doc, i+1); !ok {
			return i, syntax(doc, i, "a digit")
		}
	}
	if i < len(doc) && doc[i]|0x20 == 'e' {
		i++
		if i < len(doc) && (doc[i] == '+' || doc[i] == '-') {
			i++
		}
		if i, ok = skipDigits(doc, i); !ok {
			return i, syntax(doc, i, "a digit")
		}
	}
	return i, nil
}

// skipDigits returns false if there is no digit at i.
func skipDigits(doc []byte, i int) (int, bool) {
	start := i
	for i < len(doc) && doc[i]-'0' <= 9 {
		i++
	}
	return i, i > start
}
