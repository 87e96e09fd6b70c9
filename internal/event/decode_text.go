package event

import (
	"bytes"
	"fmt"

	"bluetrail/internal/jsonscan"
)

// strays are the lines, or array elements, of an input that are not records.
// They are reported as one problem, however many there are.
type strays struct {
	n      int
	at     int64 // offset of the first
	line   int
	sample string // of its text
	what   string // lines or elements
}

const maxSample = 200

func (s *strays) note(at int64, line int, text []byte, what string) {
	if s.n++; s.n == 1 {
		s.at, s.line, s.sample, s.what = at, line, string(text[:min(len(text), maxSample)]), what
	}
}

// join adds the strays of another.
func (s *strays) join(t strays) {
	n := s.n + t.n
	if s.n == 0 || t.n > 0 && t.at < s.at {
		*s = t
	}
	s.n = n
}

// problem returns the error for an input that yielded the given number of
// records; nil if there are no strays.
func (s *strays) problem(records int) error {
	short := s.sample[:min(len(s.sample), 60)]
	switch {
	case s.n == 0:
		return nil
	case records == 0 && s.what == "lines":
		text := fmt.Sprintf("%d lines, none of them JSON", s.n)
		if s.n == 1 {
			text = "1 line, and it is not JSON"
		}
		if like := textLike(s.sample); like != "" {
			return &RecordError{Err: fmt.Errorf("%s; this looks like %s", text, like)}
		}
		return &RecordError{Err: fmt.Errorf("%s; it starts with %q", text, short)}
	case s.n == 1:
		return &RecordError{Offset: s.at, Line: s.line, Err: fmt.Errorf("found %q where a JSON object must start; records are {\"Records\":[…]} or one object per line", short)}
	}
	return &RecordError{Offset: s.at, Line: s.line, Err: fmt.Errorf("%d %s from here on are not JSON objects; the first is %q", s.n, s.what, short)}
}

// strayLine reads a line that is not JSON. It may contain a record, after the
// delivery time as in exports of CloudWatch Logs, or between the columns of the
// AWS CLI's text output.
func (d *Decoder) strayLine() (Record, bool, error) {
	at, line := d.offset(), d.line(d.offset())
	n := -1
	for {
		if n = bytes.IndexByte(d.buf[d.pos:], '\n'); n >= 0 || len(d.buf)-d.pos >= d.lim.MaxRecord || !d.more() {
			break
		}
	}
	if n < 0 {
		n = len(d.buf) - d.pos
	}
	text := d.buf[d.pos : d.pos+n : d.pos+n]
	d.pos += n
	if raw, when := d.embedded(text); raw != nil {
		return Record{}, false, d.enter(&payload{text: raw, opening: openAny, at: at, time: when})
	}
	if d.records > 0 && (bytes.HasPrefix(text, []byte("RESOURCES\t")) || bytes.HasPrefix(text, []byte("NEXTTOKEN\t"))) {
		return Record{}, false, nil // the text output of lookup-events, whose record was read from the previous line
	}
	d.noteStray(at, line, text)
	for len(d.buf)-d.pos == 0 && d.more() { // the rest of an overlong line
		if n = bytes.IndexByte(d.buf[d.pos:], '\n'); n >= 0 {
			d.pos += n
			break
		}
		if n = len(d.buf); n < d.lim.MaxRecord {
			break
		}
		d.pos = n
	}
	return Record{}, false, nil
}

// embedded returns the record in a line of text, and the time before it.
func (d *Decoder) embedded(text []byte) (raw []byte, when int64) {
	from := bytes.IndexByte(text, '{')
	if from < 1 {
		return nil, 0
	}
	end, err := jsonscan.Skip(text, from, d.lim.MaxDepth)
	if err != nil {
		return nil, 0
	}
	raw = text[from:end:end]
	if when, timed := parseTime(string(bytes.TrimSpace(text[:min(from, 64)]))); timed {
		return raw, when
	}
	if !bytes.Contains(raw, []byte(`eventVersion`)) {
		return nil, 0
	}
	return raw, 0
}

// look checks the first bytes of an input: a binary file ends it, and a CSV
// file of events starts a table.
func (d *Decoder) look() error {
	head := d.buf[d.pos:]
	if like := binaryLike(d.buf); like != "" {
		return fmt.Errorf("this is %s, which is not supported", like)
	}
	if bytes.IndexByte(head[:min(len(head), 512)], 0) >= 0 && head[0] != '{' && head[0] != '[' {
		return fmt.Errorf("this is not text: it starts with %q", head[:min(len(head), 16)])
	}
	if head[0] != '{' && head[0] != '[' {
		d.table = d.newTable(head)
	}
	return nil
}
