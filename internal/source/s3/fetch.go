package s3

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
)

// pending is an object on its way to the one who takes it in.
type pending struct {
	bucket.Object
	delivered time.Time
	trail     *trail // nil = it is not part of one
	at        int    // its number in the trail
	tries     int
	held      bool // room is taken for it

	ready   chan struct{} // closed once content or err are there
	content *bucket.Content
	err     error
	release sync.Once
}

// room bounds the bytes that are fetched ahead.
type room struct {
	mu    sync.Mutex
	left  int64
	whole int64
	freed chan struct{}
}

func newRoom(n int64) *room { return &room{left: n, whole: n, freed: make(chan struct{}, 1)} }

// take waits until there is room; one object that is larger has all of it to itself.
func (r *room) take(ctx context.Context, n int64) error {
	n = min(n, r.whole)
	for {
		r.mu.Lock()
		if r.left >= n {
			r.left -= n
			r.mu.Unlock()
			return nil
		}
		r.mu.Unlock()
		select {
		case <-r.freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (r *room) give(n int64) {
	r.mu.Lock()
	r.left += min(n, r.whole)
	r.mu.Unlock()
	select {
	case r.freed <- struct{}{}:
	default:
	}
}

// fetcher fetches objects.
func (s *Source) fetcher() {
	for p := range s.fetch {
		p.err = s.get(p)
		close(p.ready)
	}
}

// get fetches an object. What concerns more than this object is tried again while the
// source follows, and ends it otherwise; so do mostFailing objects in a row.
func (s *Source) get(p *pending) error {
	failed := false
	for wait := s.o.wait; ; wait = min(2*wait, max(lastWait, s.o.wait)) {
		c, err := s.o.Bucket.Get(s.ctx, p.Object)
		switch {
		case err == nil:
			s.streak.Store(0)
			if failed {
				s.problem(nil)
			}
			p.content = c
			return nil
		case s.ctx.Err() != nil:
			if err := s.fatal(); err != nil {
				return err
			}
			return s.ctx.Err()
		case own(err) && s.streak.Add(1) < mostFailing:
			return err
		case !s.o.Follow:
			s.stop(fmt.Errorf("cannot read %s: %w", s.key(&p.Object), err))
			return err
		}
		failed = true
		s.problem(err)
		if err := sleep(s.ctx, wait); err != nil {
			return err
		}
	}
}

// key returns what identifies an object across runs.
func (s *Source) key(o *bucket.Object) string { return s.o.Bucket.URL(o.Key) }

// batch returns an object as a batch.
func (s *Source) batch(p *pending) *source.Batch {
	url := s.key(&p.Object)
	f := file.File{Path: url, Size: p.Size, Mod: p.Changed, Delivered: p.delivered}
	over := &s.o.Meta
	m := f.Meta(over.Index, over.Sourcetype)
	if over.Source != "" {
		m.Source = over.Source
	}
	if over.Host != "" {
		m.Host = over.Host
	}
	giveBack := func() {
		if p.held {
			p.release.Do(func() { s.room.give(p.Size) })
		}
	}
	return &source.Batch{
		// Stream: records without eventID belong to this key, even where another object has
		// the same content.
		Name: url, Key: url, Stream: url, Size: p.Size, Changed: p.Changed, Print: p.Print(), Meta: m,
		Open: func(read *atomic.Int64) (source.Records, error) {
			select {
			case <-p.ready:
			case <-s.ctx.Done():
				if err := s.fatal(); err != nil {
					return nil, err
				}
				return nil, s.ctx.Err()
			}
			if p.err != nil {
				giveBack()
				return nil, p.err
			}
			r, err := file.OpenStream(&body{p.content, giveBack}, p.Size, s.o.Limits, read)
			if err != nil {
				return nil, err
			}
			return r, nil
		},
		Ack: func(r source.Result) { giveBack(); s.acknowledge(p, r) },
	}
}

// body is the content of an object that is being read.
type body struct {
	*bucket.Content
	done func()
}

// Close implements io.Closer.
func (b *body) Close() error {
	err := b.Content.Close()
	b.done()
	return err
}

// acknowledge notes that an object is durable, or that it could not be fetched.
func (s *Source) acknowledge(p *pending, r source.Result) {
	failed := error(nil)
	select {
	case <-p.ready:
		failed = p.err
	default: // it was known, and not fetched
	}
	if !r.Done && failed != nil && !gone(failed) && (!s.o.Follow || s.fails.add(p, s.o.now())) {
		return // the mark stays before it
	}
	s.settle(p)
}

// settle moves the mark of a trail over the objects that are done.
func (s *Source) settle(p *pending) {
	if p.trail == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if key := p.trail.done(p.at); key > s.marks[p.trail.root] {
		s.marks[p.trail.root] = key
	}
}

const (
	// mostFailing bounds the objects that are tried again later. What is beyond stays in
	// the list of unreadable input.
	mostFailing = 1000
	// lastTry is after about a day.
	lastTry = 30
)

// failures are the objects that could not be fetched and are tried again.
type failures struct {
	mu   sync.Mutex
	list []failure
}

type failure struct {
	p    *pending
	next time.Time
}

// add notes an object to be tried again. It is false when it is not.
func (f *failures) add(p *pending, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p.tries++; p.tries >= lastTry || len(f.list) >= mostFailing {
		return false
	}
	f.list = append(f.list, failure{p, now.Add(min(time.Minute<<min(p.tries-1, 10), time.Hour))})
	return true
}

// due returns the objects whose time has come, as new ones.
func (f *failures) due(now time.Time) (list []*pending) {
	f.mu.Lock()
	defer f.mu.Unlock()
	kept := f.list[:0]
	for _, x := range f.list {
		if x.next.After(now) {
			kept = append(kept, x)
			continue
		}
		p := x.p
		list = append(list, &pending{Object: p.Object, delivered: p.delivered, trail: p.trail, at: p.at, tries: p.tries})
	}
	clear(f.list[len(kept):])
	f.list = kept
	return list
}

// hand hands an object out, unless it was taken in before.
func (s *Source) hand(ctx context.Context, p *pending) error {
	if s.o.Known != nil {
		known, ok, err := s.o.Known.File(s.key(&p.Object))
		if err != nil {
			return err
		}
		if ok && known.Done && known.Size == p.Size && known.Changed == p.Changed.UnixNano() && known.Print == p.Print() {
			if !s.o.Follow && p.tries == 0 { // the run counts it
				p.ready = make(chan struct{})
				return s.push(ctx, p)
			}
			s.settle(p)
			return nil
		}
	}
	if err := s.room.take(ctx, p.Size); err != nil {
		return err
	}
	p.ready, p.held = make(chan struct{}), true
	select {
	case s.fetch <- p:
	case <-ctx.Done():
		return ctx.Err()
	}
	return s.push(ctx, p)
}

func (s *Source) push(ctx context.Context, p *pending) error {
	select {
	case s.queue <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// wanted reports whether an object may hold events that are asked for, and sets when it
// was delivered.
func (s *Source) wanted(p *pending) bool {
	name := p.Key[strings.LastIndexByte(p.Key, '/')+1:]
	if name == "" || p.Size == 0 {
		return false // the mark of a folder
	}
	p.delivered = trailkey.Delivered(name)
	if strings.Contains("/"+p.Key, "/"+trailkey.Digest+"/") || strings.HasSuffix(name, ".json.gz.signature") {
		return false
	}
	if p.trail == nil && p.delivered.IsZero() && !file.Known(name) {
		s.leftMu.Lock()
		s.leftOut.Add(p.Key)
		s.leftMu.Unlock()
		return false
	}
	at := p.delivered
	if at.IsZero() {
		at = p.Changed
	}
	return !at.Before(s.o.Since) && (s.o.Until.IsZero() || at.Before(s.o.Until))
}
