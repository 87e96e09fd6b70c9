package inbox

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/unpack"
)

// Bounds of a packed piece: see file.Limits.
const (
	maxRatio = 200
	maxFree  = 256 << 20
)

var decoders = sync.Pool{New: func() any { return new(event.Decoder) }}

// records reads the records of pieces.
type records struct {
	*event.Decoder
	pieces []Piece
	time   int64 // of the piece that is open
	open   bool
	stream *unpack.Stream // it is packed
	text   bytes.Reader
	closed func()
}

var _ source.Walking = (*records)(nil)

func newRecords(pieces []Piece, closed func()) *records {
	return &records{Decoder: decoders.Get().(*event.Decoder), pieces: pieces, closed: closed}
}

// Next implements source.Records. What is wrong with one piece keeps nobody from the
// next one.
func (r *records) Next() (event.Record, error) {
	for {
		if !r.open {
			if len(r.pieces) == 0 {
				return event.Record{}, io.EOF
			}
			if err := r.advance(); err != nil {
				return event.Record{}, &event.RecordError{Err: err}
			}
		}
		rec, err := r.Decoder.Next()
		var one *event.RecordError
		switch {
		case err == nil:
			if rec.Time == 0 {
				rec.Time = r.time
			}
			return rec, nil
		case errors.As(err, &one):
			return rec, err
		}
		r.leave()
		if err != io.EOF {
			return rec, &event.RecordError{Err: err}
		}
	}
}

func (r *records) advance() error {
	p := r.pieces[0]
	r.pieces = r.pieces[1:]
	r.text.Reset(p.Text)
	r.time = p.Time
	in := io.Reader(&r.text)
	if unpack.KindOf(p.Text[:min(len(p.Text), unpack.HeadSize)]) != unpack.Plain {
		left := max(maxFree, maxRatio*int64(len(p.Text)))
		s, err := unpack.New(in, &left)
		if err != nil {
			return err
		}
		if s.Kind != unpack.Plain {
			s.Close()
			return errors.New("archives are not accepted here; send the files in them")
		}
		in, r.stream = s, s
	}
	r.Decoder.Reset(in, event.Limits{})
	r.open = true
	return nil
}

func (r *records) leave() {
	if r.stream != nil {
		r.stream.Close()
	}
	r.stream, r.open = nil, false
}

// Close implements source.Records.
func (r *records) Close() error {
	r.leave()
	r.Decoder.BeforeReuse = nil
	r.Decoder.Fields(nil, nil)
	decoders.Put(r.Decoder)
	r.Decoder = nil
	r.closed()
	return nil
}
