package files

import (
	"cmp"
	"context"
	"errors"
	"io"
	"runtime"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/source/file"
)

// Record is a record that Each visits. It is valid during the visit.
type Record struct {
	Raw      []byte
	Meta     event.Meta
	Time     int64 // unix nanoseconds
	Identity event.Identity
	Row      *event.Row // of the leaves that Each was asked for, by Extractor.Leaves
	File     string
}

// Workers returns how many files are read side by side.
func (s *Store) Workers() int {
	if s.opt.Workers == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return s.opt.Workers
}

// Each visits every record of the files in one pass, without a search. x was made by
// event.NewIdentifier; its leaves are read. visitor returns what each worker calls for
// its records, copies of an event included. Stats and Progress tell of it as of a
// search. The error is that of a visitor or of ctx.
func (s *Store) Each(parent context.Context, x *event.Extractor, visitor func(worker int) (func(*Record) error, error)) error {
	list, err := s.within(parent, &filter.Everything{}, s.opt.Earliest, s.opt.Latest)
	if err != nil {
		return err
	}
	return s.pass(parent, list, s.Workers(), func(ctx context.Context, n int, next <-chan job) error {
		visit, err := visitor(n)
		if err != nil {
			return err
		}
		v := &visiting{s: s, ctx: ctx, x: x, row: x.NewRow(), visit: visit, decoder: &event.Decoder{}}
		v.decoder.Fields(x, v.row)
		for j := range next {
			if err := v.file(&j); err != nil {
				return err
			}
		}
		return nil
	})
}

// visiting is one worker of Each.
type visiting struct {
	s       *Store
	ctx     context.Context
	x       *event.Extractor
	row     *event.Row
	visit   func(*Record) error
	decoder *event.Decoder
}

// file visits the records of one file. It returns only errors that end the pass.
func (v *visiting) file(j *job) error {
	s, f := v.s, j.file
	defer s.done.Add(1)
	in, ok := s.open(v.ctx, v.decoder, j, cmp.Or(s.counter, &s.read))
	if !ok {
		return context.Cause(v.ctx)
	}
	records := 0
	defer func() {
		s.events.Add(int64(records))
		in.Close()
	}()
	rec := Record{Meta: f.Meta(s.opt.Index, s.opt.Sourcetype), Row: v.row, File: f.Path}
	known := rec.Meta
	for {
		got, ok := s.next(v.ctx, in, f.Path)
		if !ok {
			return context.Cause(v.ctx)
		}
		records++
		if !got.Walked {
			if err := v.x.Read(got.Raw, v.row); err != nil {
				s.skip(diag.Notice{Level: diag.Problem, Object: f.Path, Place: got.Offset, Text: err.Error()})
				continue
			}
		}
		rec.Raw, rec.Meta, rec.Identity = got.Raw, known, v.x.Identity(got.Raw, v.row)
		if rec.Meta.Sourcetype == "" {
			rec.Meta.Sourcetype = rec.Identity.Sourcetype
		}
		if got.Time != 0 {
			rec.Meta.Fallback = got.Time
		}
		rec.Time = rec.Meta.Fallback
		if rec.Identity.Timed {
			rec.Time = rec.Identity.Time
		}
		if rec.Meta.Guessed && !rec.Identity.Timed && got.Time == 0 {
			s.untimed.Add(1)
		}
		if err := v.visit(&rec); err != nil {
			return err
		}
	}
}

// next returns the next event of a file, and false after the last one or when ctx ends.
// Anything that is not an event or cannot be read is counted.
func (s *Store) next(ctx context.Context, in *file.Reader, path string) (event.Record, bool) {
	for ctx.Err() == nil {
		rec, err := in.Next()
		var one *event.RecordError
		switch {
		case err == io.EOF:
			return rec, false
		case errors.As(err, &one):
			s.skip(diag.Unreadable(path, err.Error()))
		case err != nil:
			s.skip(diag.Unreadable(path, err.Error()))
			return rec, false
		case rec.Kind == event.Digest:
		case rec.Kind == event.Control:
			s.controls.Add(1)
		case rec.Kind == event.Foreign:
			s.leave(string(rec.Raw))
		default:
			return rec, true
		}
	}
	return event.Record{}, false
}
