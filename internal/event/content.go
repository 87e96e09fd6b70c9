package event

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"strings"

	"bluetrail/internal/jsonscan"
)

// contentID identifies a record by its content: the order of keys, white space,
// escapes, the format of numbers and null members make no difference.
func contentID(raw []byte) (id [16]byte) {
	val := raw[jsonscan.Space(raw, 0):]
	sum := tagged('x', val)
	if _, err := jsonscan.Skip(val, 0, jsonscan.MaxDepth); err == nil {
		sum, _ = contentSum(val, jsonscan.MaxDepth)
	}
	copy(id[:], sum[:])
	return id
}

type digest = [sha256.Size]byte

// contentSum returns the digest of a value; some is false for null. Invalid
// JSON is hashed as bytes.
func contentSum(val []byte, depth int) (sum digest, some bool) {
	switch jsonscan.KindOf(val) {
	case jsonscan.Null:
		return sum, false
	case jsonscan.String:
		return tagged('s', []byte(jsonscan.Text(val))), true
	case jsonscan.Number:
		return tagged('n', []byte(plainNumber(string(val)))), true
	case jsonscan.Bool:
		return tagged('b', val), true
	}
	if val[0] == '[' {
		list := []byte{'a'}
		_, err := jsonscan.Array(val, 0, depth, func(v []byte) bool {
			element, some := contentSum(v, depth-1)
			if !some {
				element = tagged('z', nil)
			}
			list = append(list, element[:]...)
			return true
		})
		if err != nil {
			return tagged('x', val), true
		}
		return sha256.Sum256(list), true
	}
	// Adding the members' digests makes their order irrelevant.
	_, err := jsonscan.Object(val, 0, depth, func(key string, v []byte) bool {
		value, some := contentSum(v, depth-1)
		if !some {
			return true
		}
		addDigest(&sum, tagged('k', append(value[:], key...)))
		return true
	})
	if err != nil {
		return tagged('x', val), true
	}
	return tagged('o', sum[:]), true
}

func tagged(tag byte, b []byte) digest {
	return sha256.Sum256(append(append(make([]byte, 0, 1+len(b)), tag), b...))
}

// addDigest adds two digests as numbers.
func addDigest(to *digest, d digest) {
	carry := uint64(0)
	for i := 0; i < len(d); i += 8 {
		a, b := binary.LittleEndian.Uint64(to[i:]), binary.LittleEndian.Uint64(d[i:])
		s := a + b
		more := uint64(0)
		if s < a {
			more = 1
		}
		if s += carry; s < carry {
			more = 1
		}
		binary.LittleEndian.PutUint64(to[i:], s)
		carry = more
	}
}

// plainNumber writes a number without exponent and without redundant digits:
// 1.50e1 is 15. Integers keep all their digits.
func plainNumber(s string) string {
	if !strings.ContainsAny(s, ".eE") {
		if s == "-0" {
			return "0"
		}
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		return s
	case f == 0:
		return "0"
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
