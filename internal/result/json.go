package result

import (
	"io"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"
)

// jsonWriter writes one object a line, keys in column order, every value a
// string, several values an array, missing ones left out.
type jsonWriter struct {
	w    io.Writer
	zone *time.Location
	buf  []byte
}

func (j *jsonWriter) Write(b *vector.Batch) error {
	j.buf = j.buf[:0]
	for i := range b.Len {
		j.buf = append(j.buf, '{')
		first := true
		for _, c := range b.Cols {
			v := c.At(i)
			if v.IsNull() {
				continue
			}
			if !first {
				j.buf = append(j.buf, ',')
			}
			first = false
			j.buf = append(appendJSON(j.buf, c.Name), ':')
			vals := shown(c.Name, v, j.zone, isoTime)
			if len(vals) == 1 {
				j.buf = appendJSON(j.buf, vals[0])
				continue
			}
			for n, s := range vals {
				sep := byte(',')
				if n == 0 {
					sep = '['
				}
				j.buf = appendJSON(append(j.buf, sep), s)
			}
			j.buf = append(j.buf, ']')
		}
		j.buf = append(j.buf, '}', '\n')
		if len(j.buf) > 1<<16 {
			if _, err := j.w.Write(j.buf); err != nil {
				return err
			}
			j.buf = j.buf[:0]
		}
	}
	_, err := j.w.Write(j.buf)
	return err
}

func (j *jsonWriter) Close() ([]string, error) { return nil, nil }

// appendJSON appends s as a JSON string. Control and formatting characters are
// escaped, so that the line is safe on a terminal.
func appendJSON(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c == '\n':
				dst = append(dst, `\n`...)
			case c == '\t':
				dst = append(dst, `\t`...)
			case c == '\r':
				dst = append(dst, `\r`...)
			case c < 0x20 || c == 0x7f:
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			default:
				dst = append(dst, c)
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, `\ufffd`...)
		case diag.Hidden(r):
			for _, u := range utf16.AppendRune(nil, r) {
				dst = append(dst, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
			}
		default:
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}
