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

// payload is what an envelope holds, while its records are read.
type payload struct {
	text     []byte // JSON, or packed
	packed   bool
	opening  opening
	at       int64  // offset of the envelope
	time     int64  // that the envelope gives, 0 = none
	envelope []byte // nil = there is none, the payload was an element by itself
	dec      *Decoder
	stream   *unpack.Stream
	accepted bool // a record of it was returned
}

// newPayload returns what a value of an envelope holds: an object, or a string
// that is JSON or packed, in base64 or not. nil: it holds neither.
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

// fromBase64 returns what a text holds in base64 when it is JSON or packed.
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

// enter reads the records of a payload next.
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

// fromInner returns the next record of the payload that is being read. Its
// first record decides whether the envelope is opened at all.
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
		if !p.accepted && p.envelope != nil { // nothing is inside
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
	if keep && !p.packed { // text that only begins like JSON
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

// ofTrail reports whether a record is one that envelopes are opened for.
func (p *payload) ofTrail(r *Record) bool {
	return r.Kind != Event || Detect(r.Raw) != JSON || bytes.Contains(r.Raw, []byte(`"detail-type"`))
}
