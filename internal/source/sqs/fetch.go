package sqs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
)

// Objects fetches objects.
type Objects interface {
	// Get reads a whole object. Before it reads any content, it calls wanted with what
	// identifies the object and what is known about it, without Open and Ack. If wanted
	// returns false, Get returns nil without an error. Get may call wanted again.
	Get(ctx context.Context, o *Object, wanted func(source.Batch) bool) (io.ReadCloser, error)
}

// ErrNever is wrapped by errors of Objects that every further try would meet, such as a
// deleted object.
var ErrNever = errors.New("")

const (
	// maxSmall is the largest object that is fetched before it is handed out. Most objects
	// of a trail are far smaller, and fetching many in parallel hides the latency.
	maxSmall = 8 << 20
	// maxMemory bounds the memory of all fetched objects that wait to be read.
	maxMemory = 64 << 20
)

func (s *Source) fetcher() {
	for {
		select {
		case t := <-s.fetch:
			b, err := s.fetchOne(t)
			switch {
			case s.ctx.Err() != nil:
				return
			case err != nil:
				s.settlePart(t.m, err, errors.Is(err, ErrNever))
			case b == nil:
				s.settlePart(t.m, nil, false)
			case !s.hand(b):
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// fetchOne makes a batch of an object; nil = it is empty.
func (s *Source) fetchOne(t task) (*source.Batch, error) {
	if t.o.Size == 0 {
		return nil, nil
	}
	var b source.Batch
	p := &part{s: s, m: t.m}
	content, err := s.o.Objects.Get(s.ctx, &t.o, func(head source.Batch) bool {
		b = head
		return b.Size > 0 && b.Size <= maxSmall && !b.Digest && p.reserve(b.Size)
	})
	switch {
	case err != nil:
		p.free()
		return nil, fmt.Errorf("cannot read s3://%s/%s: %w", t.o.Bucket, t.o.Key, err)
	case b.Size == 0 || s.ctx.Err() != nil:
		p.free()
		return nil, s.ctx.Err()
	case b.Digest:
		b.Ack = func(source.Result) { s.settlePart(t.m, nil, false) }
		return &b, nil
	}
	s.o.Counts.objects.Add(1)
	s.o.Counts.bytes.Add(uint64(b.Size))
	s.complete(&b.Meta)
	p.name, b.Ack = b.Name, p.ack
	b.Open = func(read *atomic.Int64) (source.Records, error) {
		in, size := content, b.Size
		if in == nil { // it is large
			var err error
			in, err = s.o.Objects.Get(s.ctx, &t.o, func(head source.Batch) bool { size = head.Size; return true })
			if err != nil {
				return nil, p.fail(err, errors.Is(err, ErrNever))
			}
		}
		return p.open(in, size, read)
	}
	return &b, nil
}

// complete sets what the configuration says of records.
func (s *Source) complete(m *event.Meta) {
	m.Index = cmp.Or(s.o.Meta.Index, m.Index, event.DefaultIndex)
	m.Sourcetype = cmp.Or(s.o.Meta.Sourcetype, m.Sourcetype)
	m.Host = cmp.Or(s.o.Meta.Host, m.Host, event.DefaultHost)
}

// carried makes a batch of an event that a message carries.
func (s *Source) carried(m *message, record []byte) *source.Batch {
	p, now := &part{s: s, m: m, name: "message " + m.id}, time.Now()
	b := &source.Batch{
		Name: s.o.Name + " " + p.name, Key: "sqs:" + s.o.Queue, Size: int64(len(record)),
		Changed: now, Stream: "sqs message " + m.id, Passing: true,
		Meta: event.Meta{Source: s.o.Queue, Fallback: now.UnixNano(), Guessed: true},
	}
	b.Ack = func(r source.Result) {
		if r.Problems > 0 { // nothing but a dead letter tells of it
			r.Done = false
			p.fail(errors.New(r.Problem), true)
		}
		p.ack(r)
	}
	s.complete(&b.Meta)
	b.Open = func(read *atomic.Int64) (source.Records, error) {
		return p.open(io.NopCloser(bytes.NewReader(record)), int64(len(record)), read)
	}
	return b
}

// part is what a message announces: an object or an event.
type part struct {
	s     *Source
	m     *message
	name  string
	holds int64 // of Source.memory

	mu    sync.Mutex
	err   error // why it could not be read
	fatal bool
	freed bool
}

// reserve waits for memory. It replaces what an earlier try reserved, and reports whether
// the source is still open.
func (p *part) reserve(n int64) bool {
	if p.holds > 0 {
		p.s.memory.give(p.holds)
		p.holds = 0
	}
	if !p.s.memory.take(n) {
		return false
	}
	p.holds = n
	return true
}

func (p *part) fail(err error, fatal bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err, p.fatal = err, fatal
	}
	return err
}

// open reads the records of a part.
func (p *part) open(in io.ReadCloser, size int64, read *atomic.Int64) (source.Records, error) {
	r, err := file.OpenStream(in, size, p.s.o.Limits, read)
	if err != nil {
		p.free()
		return nil, p.fail(err, true)
	}
	return &records{r, p}, nil
}

func (p *part) free() {
	p.mu.Lock()
	freed := p.freed
	p.freed = true
	p.mu.Unlock()
	if !freed && p.holds > 0 {
		p.s.memory.give(p.holds)
	}
}

// ack is Batch.Ack.
func (p *part) ack(r source.Result) {
	p.free() // it was taken in before, and not read
	p.mu.Lock()
	err, fatal := p.err, p.fatal
	p.mu.Unlock()
	if r.Done {
		err = nil
	} else if err == nil {
		err, fatal = errors.New("it could not be read to its end"), true
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", p.name, err)
	}
	p.s.o.Counts.events.Add(uint64(r.Events))
	p.s.settlePart(p.m, err, fatal)
}

// records notes why the records of a part ended.
type records struct {
	*file.Reader
	p *part
}

var _ source.Walking = (*records)(nil)

// Next implements source.Records.
func (r *records) Next() (event.Record, error) {
	rec, err := r.Reader.Next()
	var one *event.RecordError
	if err != nil && err != io.EOF && !errors.As(err, &one) {
		r.p.fail(err, true)
	}
	return rec, err
}

// Close implements source.Records.
func (r *records) Close() error {
	err := r.Reader.Close()
	r.p.free()
	return err
}

// budget bounds the memory of objects.
type budget struct {
	mu     sync.Mutex
	more   sync.Cond
	left   int64
	closed bool
}

func newBudget(n int64) *budget {
	b := &budget{left: n}
	b.more.L = &b.mu
	return b
}

// take waits for n bytes; it reports whether the budget is still open.
func (b *budget) take(n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.left < n && !b.closed {
		b.more.Wait()
	}
	if b.closed {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += n
	b.more.Broadcast()
}

func (b *budget) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.more.Broadcast()
}
