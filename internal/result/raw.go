package result

import (
	"bytes"
	"errors"
	"io"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/vector"
)

// rawWriter writes the original records of events, one per line.
type rawWriter struct {
	w   io.Writer
	tty bool
	buf []byte
}

func (r *rawWriter) Write(b *vector.Batch) error {
	if b.Len == 0 {
		return nil
	}
	raw := b.Col("_raw")
	if raw == nil {
		return errors.New("-o raw writes the records of events, and these rows are a table made of them; use -o json, or end the search before the command that makes the table")
	}
	for i := range b.Len {
		for _, s := range raw.At(i).All() {
			r.buf = append(r.buf[:0], oneLine(s)...)
			if r.tty {
				r.buf = append(r.buf[:0], visible(string(r.buf))...)
			}
			if _, err := r.w.Write(append(r.buf, '\n')); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneLine returns a record on one line: JSON without white space between its
// values, anything else with its line breaks escaped.
func oneLine(s string) []byte {
	b := []byte(s)
	if bytes.IndexByte(b, '\n') < 0 && bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	if end, err := jsonscan.Skip(b, jsonscan.Space(b, 0), jsonscan.MaxDepth); err == nil && jsonscan.Space(b, end) == len(b) {
		return jsonscan.Compact(b)
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r"), []byte(`\r`)), []byte("\n"), []byte(`\n`))
}

func (r *rawWriter) Close() ([]string, error) { return nil, nil }
