package event

import (
	"bytes"
	"fmt"

	"bluetrail/internal/jsonscan"
)

// resync moves past a broken record: at the top level to the next line that
// starts like a record, in an array to the next object that starts like a
// record.
func (d *Decoder) resync(start int64, cause error) error {
	failed := d.bad(start, cause)
	if len(d.open) == 0 {
		for {
			if n := nextRecordLine(d.buf[d.pos:]); n >= 0 {
				d.pos += n
				return failed
			}
			d.pos = max(d.pos, len(d.buf)-1) // it may be the line break
			if !d.more() {
				d.pos = len(d.buf)
				return failed
			}
		}
	}
	first := firstKey(d.buf[d.pos:])
	for d.pos++; ; {
		if n := nextRecord(d.buf[min(d.pos, len(d.buf)):], first); n >= 0 {
			d.pos += n
			return failed
		}
		d.pos = max(d.pos, len(d.buf)-maxRecordHead) // a record's head may be truncated there
		if !d.more() {
			d.pos = len(d.buf)
			return fmt.Errorf("%w; the text after it cannot be separated from it and is lost", failed)
		}
	}
}

// nextRecordLine returns the start of the next line that begins with an object,
// an array or a string and no white space; -1 if there is none. The inner lines
// of a pretty-printed record are indented or consist of closing brackets.
func nextRecordLine(b []byte) int {
	for at := 0; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 || at+n+1 >= len(b) {
			return -1
		}
		at += n + 1
		if c := b[at]; c == '{' || c == '[' || c == '"' {
			return at
		}
	}
}

// maxRecordHead is how many bytes of a record are needed to recognise it.
const maxRecordHead = 256

// firstKey returns the first key of an object with its quotes, or nil if the
// object is broken.
func firstKey(b []byte) []byte {
	i := jsonscan.Space(b, 1)
	if i >= len(b) || b[i] != '"' {
		return nil
	}
	end, err := jsonscan.SkipString(b, i)
	if err != nil || end-i > maxRecordHead/2 {
		return nil
	}
	return bytes.Clone(b[i:end])
}

var versionKey = []byte(`"eventVersion"`)

// nextRecord returns the start of the next object whose first key is
// eventVersion, or the first key of the broken record; -1 if there is none.
// This text cannot occur inside a string, where quotes are escaped.
func nextRecord(b, first []byte) int {
	for at := 0; ; at++ {
		n := bytes.IndexByte(b[at:], '{')
		if n < 0 {
			return -1
		}
		at += n
		rest := b[jsonscan.Space(b, at+1):]
		if bytes.HasPrefix(rest, versionKey) || first != nil && bytes.HasPrefix(rest, first) {
			return at
		}
	}
}

// discard skips a record that is too long or too deep, without buffering it.
func (d *Decoder) discard(cause error) error {
	failed := d.bad(d.offset(), cause)
	depth, quoted := 0, false
	skip := 0 // bytes that are escaped, in what is to be read yet
	for {
		for d.pos += skip; d.pos < len(d.buf); d.pos++ {
			if quoted {
				if d.pos = jsonscan.Mark(d.buf, d.pos); d.pos == len(d.buf) {
					break
				}
			}
			switch c := d.buf[d.pos]; {
			case c == '"':
				quoted = !quoted
			case quoted && c == '\\':
				d.pos++
			case quoted:
			case c == '{' || c == '[':
				depth++
			case c == '}' || c == ']':
				if depth--; depth == 0 {
					d.pos++
					return failed
				}
			}
		}
		skip = d.pos - len(d.buf)
		d.pos = len(d.buf)
		if !d.more() {
			d.err = d.truncated()
			return failed
		}
	}
}
