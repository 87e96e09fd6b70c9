package event

import (
	"bytes"
	"fmt"

	"bluetrail/internal/jsonscan"
)

// resync moves behind a broken record: to the next line that begins like a
// record at the top level, to the next object that begins like a record inside
// an array.
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
		d.pos = max(d.pos, len(d.buf)-maxRecordHead) // a head may be cut off there
		if !d.more() {
			d.pos = len(d.buf)
			return fmt.Errorf("%w; the text after it cannot be separated from it and is lost", failed)
		}
	}
}

// nextRecordLine returns where the next line begins that starts with an object,
// an array or a string without white space before it; -1 when there is none.
// The lines of a record that is spread out are indented, or end with a bracket.
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

// maxRecordHead is how much of a record has to be seen to know it as one.
const maxRecordHead = 256

// firstKey returns the first key of an object with its quotes, nil when it is
// broken.
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

// nextRecord returns where the next object begins whose first key is
// eventVersion, or that of the broken record; -1 when there is none. No such
// text stands inside a string, where quotes are escaped.
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

// discard moves behind a record that is too long or too deep without holding
// it.
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
