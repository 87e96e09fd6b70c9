package event

import (
	"bytes"
	"fmt"
	"io"

	"bluetrail/internal/jsonscan"
)

var byteOrderMark = []byte("\ufeff")

// peek returns the next byte that is not white space, and reads more input as
// needed. Byte order marks before a record count as white space, because files
// that begin with one are concatenated.
func (d *Decoder) peek() (byte, error) {
	for {
		d.pos = jsonscan.Space(d.buf, d.pos)
		rest := d.buf[d.pos:]
		switch {
		case bytes.HasPrefix(rest, byteOrderMark):
			d.pos += len(byteOrderMark)
			continue
		case len(rest) > 0 && len(rest) < len(byteOrderMark) && bytes.HasPrefix(byteOrderMark, rest) && d.more():
			continue
		case len(rest) > 0:
			return rest[0], nil
		}
		if !d.more() {
			if d.readErr != io.EOF {
				return 0, fmt.Errorf("byte %d: %w", d.base+int64(len(d.buf)), d.readErr)
			}
			return 0, io.EOF
		}
	}
}

// more reads input after the unread bytes; it returns false at the end of input.
// It moves the unread bytes to the front of the buffer, or of a larger one.
func (d *Decoder) more() bool {
	if d.readErr != nil {
		return false
	}
	d.line(d.base + int64(d.pos))
	unread := d.buf[d.pos:]
	size := d.grown()
	for size < 2*len(unread) {
		size *= 2
	}
	switch {
	case size != cap(d.room):
		d.room = make([]byte, size)
		d.buf = append(d.room[:0], unread...)
		d.from = 0
	case len(d.buf) > 0:
		if d.pos > 0 || d.from > 0 {
			d.reuse()
		}
		d.buf = append(d.room[:0], unread...)
		d.from = 0
	}
	d.base += int64(d.pos)
	d.counted = max(0, d.counted-d.pos)
	d.pos = 0
	before := len(d.buf)
	for tries := 0; len(d.buf) < cap(d.buf); {
		n, err := d.in.Read(d.buf[len(d.buf):cap(d.buf)])
		d.buf = d.buf[:len(d.buf)+n]
		if err != nil {
			d.readErr = err
			break
		}
		if n == 0 {
			if tries++; tries > 100 {
				d.readErr = io.ErrNoProgress
				break
			}
		}
	}
	return len(d.buf) > before
}

// grown returns the size of a buffer for more input than the present one holds.
func (d *Decoder) grown() int {
	size := cap(d.room)
	switch {
	case size == 0 && d.nested > 0:
		return smallChunk
	case size == 0:
		return firstChunk
	case d.nested > 0:
		return size
	}
	return max(size, min(4*size, chunk))
}

func (d *Decoder) reuse() {
	if d.BeforeReuse != nil {
		d.BeforeReuse()
	}
}

// behind returns the rest of the input after pos as a reader, and leaves
// nothing to read in d.
func (d *Decoder) behind() io.Reader {
	rest := bytes.Clone(d.buf[d.pos:])
	d.pos = len(d.buf)
	if d.readErr == io.EOF {
		return bytes.NewReader(rest)
	}
	if d.readErr != nil {
		return io.MultiReader(bytes.NewReader(rest), failing{d.readErr})
	}
	return io.MultiReader(bytes.NewReader(rest), d.in)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
