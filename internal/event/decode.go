package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"bluetrail/internal/jsonscan"
)

// Limits limit what a Decoder accepts.
type Limits struct {
	MaxRecord   int   // bytes of one record, 0 = 16 MiB
	MaxDepth    int   // nesting of one record, 0 = 512
	MaxUnpacked int64 // total unpacked bytes of packed payloads in records per input, 0 = 1 GiB
}

// Kind is what a Decoder found.
type Kind uint8

// The kinds of documents.
const (
	Event   Kind = iota
	Digest       // a CloudTrail digest file
	Control      // a message that CloudWatch Logs sends to check a destination
	Foreign      // a file of an archive that does not look like events; Raw is its name
)

// Record is one record of an input.
type Record struct {
	Raw    []byte
	Time   int64 // unix nanoseconds from a wrapper, 0 = none
	Offset int64 // of Raw in the decompressed input, or of the wrapper of a wrapped record
	Kind   Kind
	Walked bool // the row given to Decoder.Fields holds the leaves of the record
}

// RecordError describes one record that could not be read; decoding continues.
type RecordError struct {
	Member string // in an archive; empty = the input is not an archive
	Offset int64  // where the record begins
	Line   int    // counted from 1; 0 = the error has no single place
	Err    error
}

func (e *RecordError) Error() string {
	text := e.Err.Error()
	if e.Line > 0 {
		text = fmt.Sprintf("line %d, byte %d: %s", e.Line, e.Offset, text)
	}
	if e.Member != "" {
		text = e.Member + ": " + text
	}
	return text
}

func (e *RecordError) Unwrap() error { return e.Err }

// ErrTruncated reports that an input ends in the middle of a record.
var ErrTruncated = errors.New("truncated: the input ends inside a record; fetch the file again")

// Bounds of a Decoder.
const (
	chunk      = 1 << 20   // bytes of input that are buffered and read at a time; longer records grow the buffer up to Limits.MaxRecord
	firstChunk = 128 << 10 // likewise at first: most inputs are small, and fresh memory is expensive to touch
	smallChunk = 32 << 10
	minRoom    = 128 << 10 // minimum buffer space for an input that starts after another one
	maxNested  = 10        // payloads inside payloads
	maxOpen    = 32        // arrays and wrappers around a record in one text
)

// Decoder splits an input into records and unwraps them: {"Records":[…]} as
// CloudTrail delivers it, one object per line, concatenated objects, arrays,
// and the envelopes of envelope.go, in any nesting. It holds about 1 MiB, more
// only for longer records. It belongs to one goroutine.
type Decoder struct {
	// BeforeReuse, if set, is called before the buffer of the records returned
	// so far is overwritten.
	BeforeReuse func()

	fields *Extractor // reads leaves while the decoder looks for the end of a record
	into   *Row

	in      io.Reader
	lim     Limits
	room    []byte // buf is a slice of it
	from    int    // where buf starts in room; records of earlier inputs come before it
	buf     []byte // buf[pos:] is unread
	pos     int
	base    int64 // offset of buf[0] in the input
	lines   int   // line breaks before buf[counted]
	counted int
	readErr error
	open    []frame // arrays and wrappers around pos, the innermost last
	inner   *payload
	nested  int    // payloads around this decoder
	left    *int64 // remaining Limits.MaxUnpacked, shared with nested payloads
	records int    // number of records that Next returned
	strays  strays
	table   *table // set while the input is a CSV file
	looked  bool   // the input's first bytes were checked
	err     error
}

// frame is an array that is being read, or an object that contains one.
type frame struct {
	kind    frameKind
	member  string // key of the array
	records int    // d.records when the array began
	scalars strays // of an array
}

type frameKind uint8

const (
	anArray  frameKind = iota // records
	aRow                      // an array inside an array: records mixed with scalars
	aTable                    // arrays, each of which is a row of fields
	aWrapper                  // the object around an array
	noFrame  frameKind = 255
)

// NewDecoder returns a Decoder for the decompressed input r.
func NewDecoder(r io.Reader, lim Limits) *Decoder {
	d := &Decoder{}
	d.Reset(r, lim)
	return d
}

// Reset makes d read from r and keeps the settings of Fields and BeforeReuse.
// The buffer is reused: the new input goes after the previous input's records
// while there is room, so that the records of small inputs stay valid.
func (d *Decoder) Reset(r io.Reader, lim Limits) {
	if lim.MaxRecord <= 0 {
		lim.MaxRecord = 16 << 20
	}
	if lim.MaxDepth <= 0 || lim.MaxDepth > jsonscan.MaxDepth {
		lim.MaxDepth = jsonscan.MaxDepth
	}
	if lim.MaxUnpacked <= 0 {
		lim.MaxUnpacked = 1 << 30
	}
	left := lim.MaxUnpacked
	from := d.from + len(d.buf)
	if cap(d.room)-from < minRoom {
		from = 0
		if 0 < cap(d.room) && cap(d.room) < chunk {
			d.room = make([]byte, d.grown()) // records in the other one stay valid
		} else {
			d.reuse()
		}
	}
	*d = Decoder{
		in: r, lim: lim, room: d.room, from: from, buf: d.room[from:from], open: d.open[:0], left: &left,
		fields: d.fields, into: d.into, BeforeReuse: d.BeforeReuse,
	}
}

// Fields makes the decoder read the leaves of x into row while it scans a
// record, so that the record need not be scanned again: see Extractor.Finish.
// This works for records that appear in the input as CloudTrail writes them;
// Record.Walked reports which. A later Reset ends it.
func (d *Decoder) Fields(x *Extractor, row *Row) { d.fields, d.into = x, row }

// Next returns the next record. Raw is valid until the next call, or until
// BeforeReuse is called if that is set. At the end the error is io.EOF. A
// *RecordError concerns one record, and the next call continues after it; any
// other error is final.
func (d *Decoder) Next() (Record, error) {
	for d.err == nil {
		var r Record
		var ok bool
		var err error
		switch {
		case d.inner != nil:
			r, ok, err = d.fromInner()
		case d.table != nil:
			r, ok, err = d.row()
		default:
			r, ok, err = d.step()
		}
		if err != nil {
			var one *RecordError
			if errors.As(err, &one) {
				return Record{}, err
			}
			d.err = err
			break
		}
		if ok {
			d.records++
			return r, nil
		}
	}
	if word := d.strays.problem(d.records); word != nil {
		d.strays = strays{}
		return Record{}, word
	}
	return Record{}, d.err
}

func (d *Decoder) frame() frameKind {
	if len(d.open) == 0 {
		return noFrame
	}
	return d.open[len(d.open)-1].kind
}

func (d *Decoder) push(kind frameKind, member string) {
	d.open = append(d.open, frame{kind: kind, member: member, records: d.records})
}

func (d *Decoder) pop() frame {
	f := d.open[len(d.open)-1]
	d.open = d.open[:len(d.open)-1]
	return f
}

// step reads one token of the outer structure, or one record.
func (d *Decoder) step() (Record, bool, error) {
	c, err := d.peek()
	if err != nil {
		if err == io.EOF && len(d.open) > 0 {
			err = d.truncated()
		}
		return Record{}, false, err
	}
	kind := d.frame()
	if kind == noFrame && !d.looked {
		d.looked = true
		if err := d.look(); err != nil || d.table != nil {
			return Record{}, false, err
		}
	}
	switch {
	case kind == aWrapper:
		return Record{}, false, d.wrapperEnd(c)
	case kind != noFrame && c == ',':
		d.pos++
		return Record{}, false, nil
	case kind != noFrame && c == ']':
		d.pos++
		d.arrayEnd()
		return Record{}, false, nil
	case c == '[' && kind == aTable:
		return d.tableRow()
	case c == '[' && len(d.open) < maxOpen:
		d.pos++
		if kind == noFrame {
			d.push(anArray, "")
		} else {
			d.push(aRow, "")
		}
		return Record{}, false, nil
	case c == '{':
		return d.record()
	case c == '"':
		return d.quoted()
	}
	return d.stray(c)
}

// arrayEnd closes an array. Scalars beside records in a row are not an error:
// --query 'Events[].[EventTime,CloudTrailEvent]' writes such rows.
func (d *Decoder) arrayEnd() {
	f := d.pop()
	if f.kind != aRow || d.records == f.records {
		d.strays.join(f.scalars)
	}
}

// record reads the object at pos: a record, or the start of a wrapper.
func (d *Decoder) record() (Record, bool, error) {
	for {
		m, err := d.members()
		switch {
		case err == nil && m.array != "":
			return Record{}, false, nil
		case err == nil && m.end-d.pos > d.lim.MaxRecord:
			failed := d.bad(d.offset(), d.tooLong())
			d.pos = m.end
			return Record{}, false, failed
		case err == nil:
			raw, at := d.buf[d.pos:m.end:m.end], d.offset()
			d.pos = m.end
			return d.unwrap(raw, at, &m)
		case errors.Is(err, jsonscan.ErrIncomplete):
			if len(d.buf)-d.pos >= d.lim.MaxRecord {
				return Record{}, false, d.discard(d.tooLong())
			}
			if !d.more() {
				return Record{}, false, d.cutShort()
			}
		case errors.Is(err, jsonscan.ErrDepth):
			return Record{}, false, d.discard(fmt.Errorf("the record is nested more than %d levels deep and was skipped", d.lim.MaxDepth))
		default:
			return Record{}, false, d.resync(d.offset(), d.local(err))
		}
	}
}

// value returns the bytes of the value at pos, which is not an object, and
// moves past it.
func (d *Decoder) value() ([]byte, error) {
	for {
		// Only the byte after a number shows that the number ends.
		end, err := jsonscan.Skip(d.buf, d.pos, d.lim.MaxDepth)
		short := errors.Is(err, jsonscan.ErrIncomplete) || err == nil && end == len(d.buf) && d.readErr == nil
		switch {
		case short && len(d.buf)-d.pos < d.lim.MaxRecord && d.more():
		case err == nil && !short:
			val := d.buf[d.pos:end:end]
			d.pos = end
			return val, nil
		case short && len(d.buf)-d.pos >= d.lim.MaxRecord:
			return nil, d.tooLong()
		case err == nil || d.readErr != nil && short:
			if err == nil { // it ends with the input
				val := d.buf[d.pos:end:end]
				d.pos = end
				return val, nil
			}
			return nil, d.truncated()
		default:
			return nil, d.local(err)
		}
	}
}

// quoted reads a string in the position of a record: a record in a string, as
// jq and --query write them, or a stray.
func (d *Decoder) quoted() (Record, bool, error) {
	at, line := d.offset(), d.line(d.offset())
	val, err := d.value()
	if err != nil {
		return d.strayLine()
	}
	if p := d.newPayload(val, openAny); p != nil {
		p.at = at
		return Record{}, false, d.enter(p)
	}
	if len(d.open) == 0 { // the rest of the line belongs to it
		if n := bytes.IndexByte(d.buf[d.pos:], '\n'); n >= 0 {
			d.pos += n
		}
	}
	d.noteStray(at, line, val)
	return Record{}, false, nil
}

// stray skips a value in the position of a record that is not an object: an
// array element if it is valid JSON, otherwise a line of text.
func (d *Decoder) stray(c byte) (Record, bool, error) {
	if len(d.open) == 0 {
		return d.strayLine()
	}
	at, line := d.offset(), d.line(d.offset())
	val, err := d.value()
	if err == nil {
		d.noteStray(at, line, val)
		return Record{}, false, nil
	}
	if d.readErr != nil && errors.Is(err, ErrTruncated) {
		return Record{}, false, err
	}
	return Record{}, false, d.resync(at, fmt.Errorf("found %q where a JSON object must start", c))
}

func (d *Decoder) noteStray(at int64, line int, text []byte) {
	if len(d.open) > 0 {
		d.open[len(d.open)-1].scalars.note(at, line, text, "elements")
		return
	}
	d.strays.note(at, line, text, "lines")
}

func (d *Decoder) tooLong() error {
	return fmt.Errorf("the record is longer than %d bytes and was skipped", d.lim.MaxRecord)
}

// local turns offsets in buf into what was found.
func (d *Decoder) local(err error) error {
	var s *jsonscan.SyntaxError
	if errors.As(err, &s) {
		return fmt.Errorf("%s at byte %d", s.Msg, d.base+int64(s.Offset))
	}
	return err
}

// cutShort is called when the input ends inside an object. In a file of lines,
// the lines after the broken one are still good.
func (d *Decoder) cutShort() error {
	if len(d.open) == 0 && d.readErr == io.EOF {
		if n := nextRecordLine(d.buf[d.pos:]); n >= 0 {
			return d.resync(d.offset(), errors.New("the record on this line is incomplete"))
		}
	}
	return d.truncated()
}

func (d *Decoder) truncated() error {
	if d.readErr != nil && d.readErr != io.EOF {
		return fmt.Errorf("byte %d: %w", d.base+int64(len(d.buf)), d.readErr)
	}
	return fmt.Errorf("byte %d: %w", d.base+int64(len(d.buf)), ErrTruncated)
}

func (d *Decoder) bad(offset int64, err error) error {
	return &RecordError{Offset: offset, Line: d.line(offset), Err: err}
}

func (d *Decoder) offset() int64 { return d.base + int64(d.pos) }

// line returns the line number of an offset that is still in the buffer.
func (d *Decoder) line(offset int64) int {
	at := int(offset - d.base)
	if at > d.counted && at <= len(d.buf) {
		d.lines += bytes.Count(d.buf[d.counted:at], []byte{'\n'})
		d.counted = at
	}
	return d.lines + 1
}
