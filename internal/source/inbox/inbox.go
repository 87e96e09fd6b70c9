// Package inbox is a source of what clients send: requests are put into it, read by a
// pipeline, and answered when their events are durable.
package inbox

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
)

// Errors of Read and Put.
var (
	ErrBusy    = errors.New("the queue is full; try again")
	ErrClosed  = errors.New("the server is stopping")
	ErrTooMany = errors.New("the events of one request have more than 1000 different combinations of index, sourcetype, source and host")
)

// Options bound an Inbox.
type Options struct {
	Name  string // of the source
	Queue int64  // bytes of requests that are not read yet
	Last  time.Time
}

// maxRequests bounds the requests that are not durable yet.
const maxRequests = 10_000

// MaxParts bounds the parts of a request.
const MaxParts = 1000

// PieceBytes is the memory of a Piece beside its text: see Body.Grow.
const PieceBytes = 40

// Piece is text with records, as a file has them, packed or not.
type Piece struct {
	Text []byte
	Time int64 // in unix nanoseconds, of records that have none; 0 = when they arrived
}

// Part is those pieces of a request whose records are alike.
type Part struct {
	Meta   event.Meta
	Stream string // identifies records without eventID, beside their place in the part
	Pieces []Piece
}

// Outcome says what became of a request.
type Outcome struct {
	Durable  bool // false: it is not known what was stored; it must be sent again
	Events   int  // new ones
	Problems int  // records that could not be taken in
	Problem  string
}

// request is one that waits for its outcome.
type request struct {
	body    *Body
	left    int // parts that are not acknowledged
	unread  int // parts that are not read
	outcome Outcome
	done    func(Outcome)
}

// Inbox is the source. It is safe for concurrent use.
type Inbox struct {
	o      Options
	held   atomic.Int64 // bytes
	signal chan struct{}

	mu      sync.Mutex
	queue   []*source.Batch
	pending map[*request]struct{}
	closed  bool
	counts  Counts
}

// Counts are what came since the server started.
type Counts struct {
	Requests, Events, Busy, Refused, Problems int64
	Error                                     string // the last one
	ErrorAt, Last                             time.Time
	Bytes                                     int64 // held now
	Pending                                   int   // requests
}

var _ source.Source = (*Inbox)(nil)

// New returns an Inbox.
func New(o Options) *Inbox {
	return &Inbox{o: o, signal: make(chan struct{}, 1), pending: map[*request]struct{}{}, counts: Counts{Last: o.Last}}
}

// Next implements source.Source.
func (b *Inbox) Next(ctx context.Context) (*source.Batch, error) {
	for {
		b.mu.Lock()
		if len(b.queue) > 0 {
			next := b.queue[0]
			b.queue[0] = nil
			b.queue = b.queue[1:]
			b.mu.Unlock()
			return next, nil
		}
		b.mu.Unlock()
		select {
		case <-b.signal:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Put queues a request. done is called once, from any goroutine, when its outcome is
// known; it must not block. The body belongs to the Inbox unless Put fails.
func (b *Inbox) Put(body *Body, parts []Part, done func(Outcome)) error {
	if len(parts) > MaxParts {
		return ErrTooMany
	}
	now := time.Now()
	r := &request{body: body, left: len(parts), unread: len(parts), outcome: Outcome{Durable: true}, done: done}
	b.mu.Lock()
	switch {
	case b.closed:
		b.mu.Unlock()
		return ErrClosed
	case len(b.pending) >= maxRequests:
		b.counts.Busy++
		b.mu.Unlock()
		return ErrBusy
	}
	b.counts.Requests++
	b.counts.Last = now
	if len(parts) == 0 {
		b.mu.Unlock()
		body.Release()
		done(r.outcome)
		return nil
	}
	b.pending[r] = struct{}{}
	for i := range parts {
		b.queue = append(b.queue, b.batch(r, &parts[i], now))
	}
	b.mu.Unlock()
	select {
	case b.signal <- struct{}{}:
	default:
	}
	return nil
}

func (b *Inbox) batch(r *request, p *Part, now time.Time) *source.Batch {
	p.Meta.Fallback, p.Meta.Guessed = now.UnixNano(), true
	size := int64(0)
	for i := range p.Pieces {
		size += int64(len(p.Pieces[i].Text))
	}
	return &source.Batch{
		Name: b.o.Name, Key: b.o.Name, Size: size, Changed: now, Meta: p.Meta, Stream: p.Stream, Passing: true,
		Open: func(read *atomic.Int64) (source.Records, error) {
			read.Add(size)
			return newRecords(p.Pieces, func() { b.wasRead(r) }), nil
		},
		Ack: func(res source.Result) { b.acknowledge(r, res) },
	}
}

// wasRead frees what a request holds once all of it is read.
func (b *Inbox) wasRead(r *request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.unread--; r.unread == 0 {
		r.body.Release()
	}
}

func (b *Inbox) acknowledge(r *request, res source.Result) {
	b.mu.Lock()
	if _, ok := b.pending[r]; !ok { // it was abandoned
		b.mu.Unlock()
		return
	}
	o := &r.outcome
	o.Events += res.Events
	if o.Problems += res.Problems; o.Problem == "" {
		o.Problem = res.Problem
	}
	if r.left--; r.left > 0 {
		b.mu.Unlock()
		return
	}
	delete(b.pending, r)
	b.counts.Events += int64(o.Events)
	if o.Problems > 0 {
		b.counts.Problems++
		b.counts.Error, b.counts.ErrorAt = o.Problem, time.Now()
	}
	b.mu.Unlock()
	r.body.Release()
	r.done(*o)
}

// Abandon ends all requests that wait for their outcome: whoever read them has failed,
// and clients have to send them again.
func (b *Inbox) Abandon() {
	b.mu.Lock()
	pending := b.pending
	b.pending, b.queue = map[*request]struct{}{}, nil
	b.mu.Unlock()
	for r := range pending {
		r.body.Release()
		r.done(Outcome{})
	}
}

// Close refuses further requests.
func (b *Inbox) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// Closed reports whether requests are refused because the server stops.
func (b *Inbox) Closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Full reports whether a request would be refused now.
func (b *Inbox) Full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.pending) >= maxRequests || b.held.Load() >= b.o.Queue
}

// Refused counts a request that was refused, with the reason.
func (b *Inbox) Refused(reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counts.Refused++
	b.counts.Error, b.counts.ErrorAt = reason, time.Now()
}

// Counts returns what came so far.
func (b *Inbox) Counts() Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.counts
	c.Bytes, c.Pending = b.held.Load(), len(b.pending)
	return c
}
