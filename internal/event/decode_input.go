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
// part moves to the front of the buffer, or of a larger one.
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
	if size != cap(d.buf) {
		next = make([]byte, 0, size)
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

// arrayKeys are the members of a wrapper that hold records, with the key that
// the first of their elements must have.
var arrayKeys = []struct{ name, element string }{
	{"Records", ""},
	{"Events", `"CloudTrailEvent"`},
	{"logEvents", `"message"`},
}

// enterWrapper looks whether the document at pos wraps an array of records,
// and moves to its first element. It reads up to a chunk of what stands before
// the array.
func (d *Decoder) enterWrapper() bool {
	for {
		entered, err := d.findArray()
		if err != jsonscan.ErrIncomplete || len(d.buf)-d.pos >= chunk || !d.more() {
			return entered
		}
	}
}

// findArray is enterWrapper over what the buffer holds.
func (d *Decoder) findArray() (bool, error) {
	i, more := jsonscan.Space(d.buf, d.pos+1), true
	for more {
		key, val, err := jsonscan.Key(d.buf, i)
		if err != nil {
			return false, err
		}
		if val >= len(d.buf) {
			return false, jsonscan.ErrIncomplete
		}
		if string(key) == `"eventVersion"` { // a CloudTrail record, no wrapper
			return false, nil
		}
		for _, k := range arrayKeys {
			if string(key[1:len(key)-1]) == k.name && d.holdsRecords(&val, k.element) {
				d.pos, d.mode, d.member = val+1, inRecords, k.name
				return true, nil
			}
		}
		if i, err = jsonscan.Skip(d.buf, val, d.lim.MaxDepth); err != nil {
			return false, err
		}
		if i, more, err = jsonscan.Next(d.buf, i, '}'); err != nil {
			return false, err
		}
	}
	return false, nil
}

// holdsRecords reports whether the value at val is an array that begins with an
// object that has the key, not a plain list of some record's own. val follows
// the buffer when more is read.
func (d *Decoder) holdsRecords(val *int, key string) bool {
	for {
		if d.buf[*val] != '[' {
			return false
		}
		first := jsonscan.Space(d.buf, *val+1)
		if first < len(d.buf) && d.buf[first] != '{' {
			return d.buf[first] == ']' && key == "" // Records may be empty
		}
		if first < len(d.buf) && key == "" {
			return true
		}
		if end, err := jsonscan.Skip(d.buf, first, d.lim.MaxDepth); first < len(d.buf) && err != jsonscan.ErrIncomplete {
			return err == nil && bytes.Contains(d.buf[first:end], []byte(key))
		}
		before := d.pos
		if len(d.buf)-d.pos >= max(chunk, d.lim.MaxRecord) || !d.more() {
			return first < len(d.buf) && bytes.Contains(d.buf[first:], []byte(key))
		}
		*val -= before - d.pos
	}
}

// wrapperEnd passes over what stands behind the array of a wrapper.
func (d *Decoder) wrapperEnd(c byte) error {
	switch c {
	case '}':
		d.pos++
		d.mode, d.member = topLevel, ""
		return nil
	case ',':
		d.pos++
		if _, err := d.peek(); err != nil {
			return d.truncated()
		}
		for {
			_, end, err := jsonscan.Key(d.buf, d.pos)
			if err == nil {
				end, err = jsonscan.Skip(d.buf, end, d.lim.MaxDepth)
			}
			if err == nil && end < len(d.buf) {
				d.pos = end
				return nil
			}
			if err != nil && err != jsonscan.ErrIncomplete {
				return fmt.Errorf("behind the array %q: %w", d.member, d.local(err))
			}
			if len(d.buf)-d.pos >= d.lim.MaxRecord {
				return fmt.Errorf("byte %d: a member behind the array %q is longer than %d bytes", d.offset(), d.member, d.lim.MaxRecord)
			}
			if !d.more() {
				return d.truncated()
			}
		}
	}
	return fmt.Errorf("byte %d: found %q behind the array %q", d.offset(), c, d.member)
}

// wrappers are keys without which a record is itself what is wanted.
var wrappers = [][]byte{[]byte(`"CloudTrailEvent"`), []byte(`"detail-type"`), []byte(`"digestStartTime"`)}

func (d *Decoder) mayWrap(raw []byte) bool {
	if bytes.HasPrefix(raw, []byte(`{"eventVersion":`)) {
		return false
	}
	for _, key := range wrappers {
		if bytes.Contains(raw, key) {
			return true
		}
	}
	return d.member == "logEvents"
}

// unwrap returns the record that an object is or holds.
func (d *Decoder) unwrap(raw []byte, at int64) (Record, bool, error) {
	plain := Record{Raw: raw, Offset: at}
	if !d.mayWrap(raw) {
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
	d.inner, d.innerAt = &Decoder{lim: d.lim, buf: []byte(text), readErr: io.EOF}, at
	return nil
}

// Reset makes d read from r as if it were new. The buffer is used again.
func (d *Decoder) Reset(r io.Reader, lim Limits) {
	buf := d.buf[:0]
	*d = *NewDecoder(r, lim)
	d.buf = buf
}
