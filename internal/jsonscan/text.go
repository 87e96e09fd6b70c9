package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Text decodes a string given with its quotes. Without escapes the result
// shares the bytes. Bytes that are not UTF-8 and unpaired surrogates become
// U+FFFD. The string must be one that SkipString accepts.
func Text(quoted []byte) string {
	s := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(s, '\\') < 0 {
		if utf8.Valid(s) {
			return alias(s)
		}
		return string([]rune(string(s)))
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		c := s[i]
		if c != '\\' || i+1 >= len(s) {
			if c < utf8.RuneSelf {
				out = append(out, c)
				i++
				continue
			}
			r, n := utf8.DecodeRune(s[i:])
			out = utf8.AppendRune(out, r)
			i += n
			continue
		}
		i += 2
		switch e := s[i-1]; e {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 'r':
			out = append(out, '\r')
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case '"', '\\', '/':
			out = append(out, e)
		case 'u':
			r, n := unicode(s[i:])
			out = utf8.AppendRune(out, r)
			i += n
		default:
			out = append(out, '\\')
			i--
		}
	}
	return alias(out)
}

// unicode reads the digits after \u, and the second half of a pair.
func unicode(s []byte) (rune, int) {
	r, ok := hex4(s)
	if !ok {
		return utf8.RuneError, 0
	}
	if utf16.IsSurrogate(r) {
		if len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
			if low, ok := hex4(s[6:]); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, 10
				}
			}
		}
		return utf8.RuneError, 4
	}
	return r, 4
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c-'0' <= 9:
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// AppendQuoted appends s as a JSON string.
func AppendQuoted(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			dst = utf8.AppendRune(dst, r)
			i += n
			continue
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}

// Compact returns the value in doc without white space between its tokens, or
// doc itself if there is none.
func Compact(doc []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(doc); {
		switch c := doc[i]; {
		case c == '"':
			end, err := SkipString(doc, i)
			if err != nil {
				end = len(doc)
			}
			i = end
		case c == ' ' || c == '\n' || c == '\t' || c == '\r':
			out = append(out, doc[from:i]...)
			i = Space(doc, i)
			from = i
			if out == nil {
				out = []byte{}
			}
		default:
			i++
		}
	}
	if out == nil {
		return doc
	}
	return append(out, doc[from:]...)
}
