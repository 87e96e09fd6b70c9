package result

import (
	"io"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"bluetrail/internal/diag"
	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

// jsonWriter writes one object per line, with keys in column order. Every value
// is a string, several values are an array, and missing ones are omitted.
type jsonWriter struct {
	w         io.Writer
	cancelled func() error // nil: never
	zone      *time.Location
	buf       []byte
	rows      [][]int32 // for the current batch: the columns that each row has
}

func (j *jsonWriter) Write(b *vector.Batch) error {
	j.buf = j.buf[:0]
	keys, err := j.index(b)
	if err != nil {
		return err
	}
	asked := 0 // how long buf was; below 0 by what was written since
	for i := range b.Len {
		j.buf = append(j.buf, '{')
		for n, col := range j.rows[i] {
			if n > 0 {
				j.buf = append(j.buf, ',')
			}
			j.buf = append(j.buf, keys[col]...)
			j.value(b.Cols[col].Name, b.Cols[col].At(i))
			if len(j.buf)-asked > 1<<18 && j.cancelled != nil {
				if err := j.cancelled(); err != nil {
					return err
				}
				asked = len(j.buf)
			}
		}
		j.buf = append(j.buf, '}', '\n')
		if len(j.buf) > 1<<16 {
			if _, err := j.w.Write(j.buf); err != nil {
				return err
			}
			j.buf, asked = j.buf[:0], asked-len(j.buf)
		}
	}
	_, err = j.w.Write(j.buf)
	return err
}

// index returns the encoded keys of the columns, and sets rows. Batches of
// whole events have many columns, most of them missing in most rows, so it goes
// column by column.
func (j *jsonWriter) index(b *vector.Batch) ([][]byte, error) {
	for len(j.rows) < b.Len {
		j.rows = append(j.rows, nil)
	}
	for i := range b.Len {
		j.rows[i] = j.rows[i][:0]
	}
	keys := make([][]byte, len(b.Cols))
	for n, c := range b.Cols {
		if n%1024 == 1023 && j.cancelled != nil {
			if err := j.cancelled(); err != nil {
				return nil, err
			}
		}
		keys[n] = append(appendJSON(nil, c.Name), ':')
		for i := range b.Len {
			if c.Has(i) {
				j.rows[i] = append(j.rows[i], int32(n))
			}
		}
	}
	return keys, nil
}

// value appends a cell that is not missing.
func (j *jsonWriter) value(name string, v vector.Value) {
	if v.Kind() == vector.Text && name != "_time" {
		j.buf = appendJSON(j.buf, v.Text())
		return
	}
	vals := shown(name, v, j.zone, isoTime)
	if len(vals) == 1 {
		j.buf = appendJSON(j.buf, vals[0])
		return
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

func (j *jsonWriter) Close() ([]string, error) { return nil, nil }

// appendJSON appends s as a JSON string. Control and formatting characters are
// escaped, so that the line is safe on a terminal.
func appendJSON(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for {
		n := jsonscan.Plain(s)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, '"')
		}
		switch c := s[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, `\n`...)
		case c == '\t':
			dst = append(dst, `\t`...)
		case c == '\r':
			dst = append(dst, `\r`...)
		case c < utf8.RuneSelf: // a control character
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			r, n := utf8.DecodeRuneInString(s)
			switch {
			case r == utf8.RuneError && n == 1:
				dst = append(dst, `\ufffd`...)
			case diag.Hidden(r):
				for _, u := range utf16.AppendRune(nil, r) {
					dst = append(dst, '\\', 'u', hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15])
				}
			default:
				dst = append(dst, s[:n]...)
			}
			s = s[n-1:]
		}
		s = s[1:]
	}
}
