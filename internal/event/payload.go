package event

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/unpack"
)

// payload is the content of an envelope while its records are read.
type payload struct {
	text     []byte // JSON, or packed
	packed   bool
	opening  opening
	at       int64  // offset of the envelope
	time     int64  // the envelope's time, 0 = none
	envelope []byte // nil = none, the payload was an array element
	dec      *Decoder
	stream   *unpack.Stream
	accepted bool // one of its records was returned
}

// newPayload interprets a value of an envelope: an object, or a string that is
// JSON or packed, possibly in base64. It returns nil for anything else.
func (d *Decoder) newPayload(val []byte, o opening) *payload {
	p := &payload{opening: o}
	if val[0] == '{' {
		p.text = val[:len(val):len(val)]
		return p
	}
	if val[0] != '"' {
		return nil
	}
	text := bytes.TrimSpace([]byte(jsonscan.Text(val)))
	if isJSON(text) {
		p.text = text
		return p
	}
	if p.text = fromBase64(text); p.text == nil {
		return nil
	}
	p.packed = !isJSON(p.text)
	return p
}

// looksOpen reports whether newPayload would open a string.
func looksOpen(val []byte) bool {
	return (&Decoder{}).newPayload(val, openAny) != nil
}

func isJSON(text []byte) bool {
	return len(text) > 1 && (text[0] == '{' || text[0] == '[' || text[0] == '"' && (text[1] == '{' || text[1] == '\\'))
}

// fromBase64 decodes base64 text that contains JSON or packed data; otherwise
// it returns nothing.
func fromBase64(text []byte) []byte {
	const probe = 16 // characters, whole groups of four
	if len(text) < probe {
		return nil
	}
	var head [probe]byte
	n, err := base64.StdEncoding.Decode(head[:], text[:probe])
	if err != nil && n == 0 {
		return nil
	}
	switch unpack.KindOf(head[:n]) {
	case unpack.Gzip, unpack.Zstd, unpack.Bzip2, unpack.Snappy:
	default:
		if first := bytes.TrimSpace(head[:n]); len(first) < 2 || !isJSON(first) {
			return nil
		}
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	if n, err = base64.StdEncoding.Decode(out, text); err != nil {
		return nil
	}
	return out[:n]
}

// enter makes the records of a payload the next ones to read.
func (d *Decoder) enter(p *payload) error {
	if d.nested >= maxNested {
		return d.bad(p.at, fmt.Errorf("the record is wrapped more than %d times and was skipped", maxNested))
	}
	p.dec = &Decoder{lim: d.lim, nested: d.nested + 1, left: d.left, looked: true}
	if !p.packed {
		p.dec.buf, p.dec.readErr = p.text, io.EOF
		d.inner = p
		return nil
	}
	var err error
	if p.stream, err = unpack.New(bytes.NewReader(p.text), d.left); err != nil {
		return d.bad(p.at, fmt.Errorf("cannot decompress the wrapped record: %w", err))
	}
	p.dec.in = p.stream
	p.dec.BeforeReuse = func() {
		if d.BeforeReuse != nil {
			d.BeforeReuse()
		}
	}
	d.inner = p
	return nil
}

func (d *Decoder) leave() {
	if d.inner.stream != nil {
		d.inner.stream.Close()
	}
	d.inner = nil
}

// fromInner returns the next record of the current payload. The payload's first
// record decides whether the envelope is opened at all.
func (d *Decoder) fromInner() (Record, bool, error) {
	p := d.inner
	r, err := p.dec.Next()
	keep := !p.accepted && p.opening == openTrail && p.envelope != nil
	switch {
	case err == nil && keep && !p.ofTrail(&r):
		d.leave()
		return Record{Raw: p.envelope, Offset: p.at}, true, nil
	case err == nil:
		p.accepted = true
		if r.Offset = p.at; r.Time == 0 {
			r.Time = p.time
		}
		return r, true, nil
	case errors.Is(err, unpack.ErrBomb):
		d.leave()
		return Record{}, false, fmt.Errorf("byte %d: %w", p.at, unpack.ErrBomb)
	case err == io.EOF:
		d.leave()
		if !p.accepted && p.envelope != nil { // it contains nothing
			return Record{Raw: p.envelope, Offset: p.at}, true, nil
		}
		return Record{}, false, nil
	}
	var one *RecordError
	if errors.As(err, &one) {
		err = one.Err
	} else {
		d.leave()
	}
	if keep && !p.packed { // text that only starts like JSON
		if d.inner != nil {
			d.leave()
		}
		return Record{Raw: p.envelope, Offset: p.at}, true, nil
	}
	p.accepted = true
	if errors.Is(err, ErrTruncated) {
		err = errors.New("it ends too early")
	}
	return Record{}, false, d.bad(p.at, fmt.Errorf("cannot read the wrapped record: %w", err))
}

// ofTrail reports whether envelopes are opened for this record.
func (p *payload) ofTrail(r *Record) bool {
	return r.Kind != Event || Detect(r.Raw) != JSON || bytes.Contains(r.Raw, []byte(`"detail-type"`))
}
