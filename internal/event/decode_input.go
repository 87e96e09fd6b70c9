package event

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"bluetrail/internal/jsonscan"
)

// peek returns the next byte that is no white space, reading on as needed.
func (d *Decoder) peek() (byte, error) {
	for {
		if d.base == 0 && d.pos == 0 && bytes.HasPrefix(d.buf, []byte("\ufeff")) {
			d.pos = 3
		}
		d.pos = jsonscan.Space(d.buf, d.pos)
		if d.pos < len(d.buf) {
			return d.buf[d.pos], nil
		}
		if !d.more() {
			if d.readErr != io.EOF {
				return 0, fmt.Errorf("byte %d: %w", d.base+int64(len(d.buf)), d.readErr)
			}
			return 0, io.EOF
		}
	}
}

// more reads input behind what is unread; false at the end of it. The unread
// part moves to the front of a buffer: of the same one, unless it is retained.
func (d *Decoder) more() bool {
	if d.readErr != nil {
		return false
	}
	d.line(d.base + int64(d.pos))
	unread := d.buf[d.pos:]
	size := cap(d.buf)
	if size == 0 {
		size = chunk
	}
	for size < 2*len(unread) {
		size *= 2
	}
	if d.BeforeReuse != nil && d.pos > 0 {
		d.BeforeReuse()
	}
	next := d.buf[:0]
	if d.retained || size != cap(d.buf) {
		next = make([]byte, 0, size)
		d.retained = false
	}
	next = append(next, unread...)
	d.base += int64(d.pos)
	d.counted = max(0, d.counted-d.pos)
	d.pos, d.buf = 0, next
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

// arrayKeys are the members of a wrapper that hold records.
var arrayKeys = []string{"Records", "Events", "logEvents"}

// enterWrapper looks whether the document at pos wraps an array of records,
// and moves to its first element. Only keys whose values fit the buffer are
// passed over on the way.
func (d *Decoder) enterWrapper() (bool, error) {
	i := jsonscan.Space(d.buf, d.pos+1)
	for {
		key, val, err := jsonscan.Key(d.buf, i)
		if err == jsonscan.ErrIncomplete && len(d.buf)-d.pos < chunk && d.more() {
			i = jsonscan.Space(d.buf, d.pos+1)
			continue
		}
		if err != nil || val >= len(d.buf) {
			return false, nil
		}
		for _, name := range arrayKeys {
			if string(key[1:len(key)-1]) == name && d.holdsObjects(val) {
				d.member = name
				d.pos = val + 1
				d.mode = inRecords
				return true, nil
			}
		}
		if string(key) == `"eventVersion"` { // a CloudTrail record, no wrapper
			return false, nil
		}
		end, err := jsonscan.Skip(d.buf, val, d.lim.MaxDepth)
		if err != nil {
			return false, nil
		}
		next, more, err := jsonscan.Next(d.buf, end, '}')
		if err != nil || !more {
			return false, nil
		}
		i = next
	}
}

// holdsObjects reports whether the value at i is an array that is empty or
// begins with an object: not a plain list of some record's own.
func (d *Decoder) holdsObjects(i int) bool {
	if d.buf[i] != '[' {
		return false
	}
	i = jsonscan.Space(d.buf, i+1)
	return i >= len(d.buf) || d.buf[i] == '{' || d.buf[i] == ']'
}

// wrapperEnd passes over what stands behind the array of a wrapper.
func (d *Decoder) wrapperEnd(c byte) error {
	switch c {
	case '}':
		d.pos++
		d.mode = topLevel
		return nil
	case ',':
		d.pos++
		if _, err := d.peek(); err != nil {
			return d.truncated()
		}
		for {
			_, val, err := jsonscan.Key(d.buf, d.pos)
			if err == nil && val < len(d.buf) {
				var end int
				if end, err = jsonscan.Skip(d.buf, val, d.lim.MaxDepth); err == nil && end < len(d.buf) {
					d.pos = end
					return nil
				}
			}
			if len(d.buf)-d.pos >= d.lim.MaxRecord || !d.more() {
				return d.truncated()
			}
		}
	}
	return fmt.Errorf("byte %d: found %q behind the array %q", d.offset(), c, d.member)
}

// unwrap returns the record that an object is or holds.
func (d *Decoder) unwrap(raw []byte, at int64) (Record, bool, error) {
	plain := Record{Raw: raw, Offset: at}
	if bytes.HasPrefix(raw, []byte(`{"eventVersion":`)) {
		return plain, true, nil
	}
	var inner, detail, message []byte
	var wrapped string
	digest, bridge := false, false
	_, err := jsonscan.Object(raw, 0, d.lim.MaxDepth, func(key string, val []byte) bool {
		switch key {
		case "CloudTrailEvent":
			inner = val
		case "detail":
			detail = val
		case "detail-type":
			bridge = true
		case "message":
			message = val
		case "time":
			if val[0] == '"' {
				wrapped = jsonscan.Text(val)
			}
		case "digestStartTime":
			digest = true
		}
		return true
	})
	switch {
	case err != nil:
		return Record{}, false, d.bad(at, err)
	case digest && isDigest(raw):
		plain.Kind = Digest
	case jsonscan.KindOf(inner) == jsonscan.String:
		return Record{}, false, d.enter(jsonscan.Text(inner), at)
	case d.member == "logEvents" && jsonscan.KindOf(message) == jsonscan.String:
		return Record{}, false, d.enter(jsonscan.Text(message), at)
	case bridge && len(detail) > 0 && detail[0] == '{':
		plain.Raw = detail
		plain.Time, _ = parseTime(wrapped)
	}
	return plain, true, nil
}

// enter reads the records inside a string of a wrapper next.
func (d *Decoder) enter(text string, at int64) error {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") {
		return d.bad(at, fmt.Errorf("the wrapped record is no JSON object"))
	}
	d.inner, d.innerAt = NewDecoder(strings.NewReader(text), d.lim), at
	return nil
}
