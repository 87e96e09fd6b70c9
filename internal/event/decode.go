package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"bluetrail/internal/jsonscan"
)

// Limits bound what a Decoder takes as one record.
type Limits struct {
	MaxRecord int // bytes, 0 = 16 MiB
	MaxDepth  int // 0 = 512
}

// Kind is what a Decoder found.
type Kind uint8

// The kinds of documents.
const (
	Event  Kind = iota
	Digest      // a CloudTrail digest file
)

// Record is one record of an input.
type Record struct {
	Raw    []byte
	Time   int64 // unix nanoseconds that a wrapper gave, 0 = none
	Offset int64 // of Raw in the decompressed input; of the wrapper for a record that was a string in it
	Kind   Kind
}

// RecordError is one record that could not be taken; the input goes on.
type RecordError struct {
	Offset int64 // where the record begins
	Line   int   // counted from 1
	Err    error
}

func (e *RecordError) Error() string {
	return fmt.Sprintf("line %d, byte %d: %v", e.Line, e.Offset, e.Err)
}

func (e *RecordError) Unwrap() error { return e.Err }

// ErrTruncated says that an input ends in the middle of a record.
var ErrTruncated = errors.New("truncated: the input ends inside a record; fetch the file again")

// chunk is how much input is held and read at a time; records longer than that
// make the buffer grow up to Limits.MaxRecord.
const chunk = 1 << 20

// Decoder cuts an input into records: {"Records":[…]} as CloudTrail delivers
// it, one object a line, objects one after the other, arrays of objects, the
// output of LookupEvents and events wrapped by EventBridge and CloudWatch Logs.
// It holds about 1 MiB, more only for longer records. It is for one goroutine.
type Decoder struct {
	// BeforeReuse, when set, is called before the buffer behind the records
	// returned so far is written over.
	BeforeReuse func()

	in      io.Reader
	lim     Limits
	buf     []byte // buf[pos:] is unread
	pos     int
	base    int64 // offset of buf[0] in the input
	lines   int   // line breaks before buf[counted]
	counted int
	readErr error
	mode    decodeMode
	member  string   // key of the array that is being read
	inner   *Decoder // records inside a string or a wrapper
	innerAt int64
	err     error
}

type decodeMode uint8

const (
	topLevel  decodeMode = iota // documents one after the other
	inArray                     // elements of an array at the top
	inRecords                   // elements of a wrapper's array
	inWrapper                   // behind the array of a wrapper
)

// NewDecoder returns a Decoder for the decompressed input r.
func NewDecoder(r io.Reader, lim Limits) *Decoder {
	if lim.MaxRecord <= 0 {
		lim.MaxRecord = 16 << 20
	}
	if lim.MaxDepth <= 0 || lim.MaxDepth > jsonscan.MaxDepth {
		lim.MaxDepth = jsonscan.MaxDepth
	}
	return &Decoder{in: r, lim: lim}
}

// Next returns the next record. Raw is valid until the next call; with
// BeforeReuse, until that is called. At the end the error is io.EOF; a
// *RecordError concerns one record, and Next goes on behind it; any other error
// is final.
func (d *Decoder) Next() (Record, error) {
	for d.err == nil {
		if d.inner != nil {
			r, err := d.inner.Next()
			if err == nil {
				r.Offset = d.innerAt
				return r, nil
			}
			d.inner = nil
			if errors.Is(err, ErrTruncated) {
				err = errors.New("it ends too early")
			}
			if err != io.EOF {
				return Record{}, d.bad(d.innerAt, fmt.Errorf("cannot read the wrapped record: %w", err))
			}
		}
		r, ok, err := d.step()
		if err != nil {
			var one *RecordError
			if !errors.As(err, &one) {
				d.err = err
			}
			return Record{}, err
		}
		if ok {
			return r, nil
		}
	}
	return Record{}, d.err
}

// step reads one token of the outer structure, or one record.
func (d *Decoder) step() (Record, bool, error) {
	c, err := d.peek()
	if err != nil {
		if err == io.EOF && d.mode != topLevel {
			err = d.truncated()
		}
		return Record{}, false, err
	}
	switch {
	case d.mode == inWrapper:
		return Record{}, false, d.wrapperEnd(c)
	case d.mode != topLevel && c == ',':
		d.pos++
		return Record{}, false, nil
	case d.mode == inArray && c == ']':
		d.pos++
		d.mode = topLevel
		return Record{}, false, nil
	case d.mode == inRecords && c == ']':
		d.pos++
		d.mode = inWrapper
		return Record{}, false, nil
	case d.mode == topLevel && c == '[':
		d.pos++
		d.mode = inArray
		return Record{}, false, nil
	case c != '{':
		return Record{}, false, d.stray(c)
	}
	if d.mode == topLevel && d.enterWrapper() {
		return Record{}, false, nil
	}
	return d.record()
}

// stray passes over what is no object where a record has to be. In an array
// that is one element, if it is JSON at all.
func (d *Decoder) stray(c byte) error {
	cause := fmt.Errorf("found %q where a JSON object has to begin; records are {\"Records\":[…]} or one object a line", c)
	if d.mode == topLevel {
		return d.resync(d.offset(), cause)
	}
	for {
		// The byte behind a number says whether it ends there.
		end, err := jsonscan.Skip(d.buf, d.pos, d.lim.MaxDepth)
		short := errors.Is(err, jsonscan.ErrIncomplete) || err == nil && end == len(d.buf)
		switch {
		case short && len(d.buf)-d.pos < d.lim.MaxRecord && d.more():
		case err == nil:
			failed := d.bad(d.offset(), cause)
			d.pos = end
			return failed
		case short && d.readErr != nil:
			return d.truncated()
		default:
			return d.resync(d.offset(), cause)
		}
	}
}

// record reads the object at pos.
func (d *Decoder) record() (Record, bool, error) {
	start := d.offset()
	raw, err := d.object()
	if err != nil {
		return Record{}, false, err
	}
	return d.unwrap(raw, start)
}

// object returns the bytes of the object at pos and moves behind it.
func (d *Decoder) object() ([]byte, error) {
	for {
		end, err := jsonscan.Skip(d.buf, d.pos, d.lim.MaxDepth)
		switch {
		case err == nil && end-d.pos > d.lim.MaxRecord:
			failed := d.bad(d.offset(), d.tooLong())
			d.pos = end
			return nil, failed
		case err == nil:
			raw := d.buf[d.pos:end:end]
			d.pos = end
			return raw, nil
		case errors.Is(err, jsonscan.ErrIncomplete):
			if len(d.buf)-d.pos >= d.lim.MaxRecord {
				return nil, d.discard(d.tooLong())
			}
			if d.more() {
				continue
			}
			return nil, d.cutShort()
		case errors.Is(err, jsonscan.ErrDepth):
			return nil, d.discard(fmt.Errorf("the record is nested more than %d deep and was left out", d.lim.MaxDepth))
		}
		return nil, d.resync(d.offset(), d.local(err))
	}
}

func (d *Decoder) tooLong() error {
	return fmt.Errorf("the record is longer than %d bytes and was left out", d.lim.MaxRecord)
}

// local turns offsets in buf into what was found.
func (d *Decoder) local(err error) error {
	var s *jsonscan.SyntaxError
	if errors.As(err, &s) {
		return fmt.Errorf("%s at byte %d", s.Msg, d.base+int64(s.Offset))
	}
	return err
}

// cutShort is called where the input ends inside an object. In a file of lines
// what follows the broken line is still good.
func (d *Decoder) cutShort() error {
	if d.mode == topLevel && d.readErr == io.EOF {
		if n := bytes.IndexByte(d.buf[d.pos:], '\n'); n >= 0 && len(bytes.TrimSpace(d.buf[d.pos+n:])) > 0 {
			return d.resync(d.offset(), errors.New("the record on this line is not complete"))
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

// line counts line breaks up to an offset that is still in the buffer.
func (d *Decoder) line(offset int64) int {
	at := int(offset - d.base)
	if at > d.counted && at <= len(d.buf) {
		d.lines += bytes.Count(d.buf[d.counted:at], []byte{'\n'})
		d.counted = at
	}
	return d.lines + 1
}

// resync moves behind a broken record: to the next line at the top level, to
// the next thing that begins like a CloudTrail record inside an array.
func (d *Decoder) resync(start int64, cause error) error {
	failed := d.bad(start, cause)
	if d.mode == topLevel {
		for {
			if n := bytes.IndexByte(d.buf[d.pos:], '\n'); n >= 0 {
				d.pos += n + 1
				return failed
			}
			d.pos = len(d.buf)
			if !d.more() {
				return failed
			}
		}
	}
	// Inside a record no such text can stand: quotes in its strings are escaped.
	marker := []byte(`{"eventVersion":"`)
	for d.pos++; ; {
		if n := bytes.Index(d.buf[min(d.pos, len(d.buf)):], marker); n >= 0 {
			d.pos += n
			return failed
		}
		d.pos = max(d.pos, len(d.buf)-len(marker))
		if !d.more() {
			return fmt.Errorf("%w; what follows it cannot be told apart from it and is lost", failed)
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
