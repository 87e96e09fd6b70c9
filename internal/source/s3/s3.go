// Package s3 reads the trails in a bucket of S3: what lies there, in the order of
// delivery, and then what comes.
//
// Trails of accounts and regions are listed side by side, each from where its days of
// interest begin, and merged day by day. Objects are fetched ahead, in the order in which
// they are handed out. How far each trail is durable is kept in the state, so that a run
// that was killed goes on there; objects that were taken in are known by the state, too.
package s3

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"io"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
)

// Positions keep how far sources came.
type Positions interface {
	Resume(source, part string) (string, error)
	SetResume(source, part, value string) error
}

// Known tells which objects were taken in before.
type Known interface {
	File(path string) (state.File, bool, error)
}

// Options say what is read.
type Options struct {
	Bucket *bucket.Bucket
	Prefix string
	Scope  bucket.Scope
	Since  time.Time // objects delivered before are left out; zero = none
	Until  time.Time // objects delivered from then on are left out; zero = none
	Follow bool      // go on with what comes; otherwise the source ends
	Keys   []string  // if any, only these objects are read, and the source ends

	Meta   event.Meta  // replaces what objects tell; empty fields do not
	Limits file.Limits // zero = file.DefaultLimits

	Positions Positions // nil = nothing is kept
	Known     Known     // nil = nothing is known
	Every     time.Duration
	Fetchers  int // objects that are fetched at once, 0 = DefaultFetchers
	// Problem is called with why the bucket cannot be read, once until that changes, and
	// with nil when it can again.
	Problem func(error)

	now  func() time.Time // nil = time.Now
	wait time.Duration    // after a failure, 0 = firstWait
}

const (
	// DefaultEvery is how often a bucket is looked through for new objects. CloudTrail
	// delivers every five minutes.
	DefaultEvery = time.Minute
	// DefaultFetchers hides the 20 to 50 ms that S3 takes for each object.
	DefaultFetchers = 32
	// lookback is how far behind the newest objects new ones may come under an older key.
	// CloudTrail names objects by the time of delivery; copies of a bucket lag behind.
	lookback = 24 * time.Hour
	// ahead bounds the bytes of objects that are fetched and not read yet.
	ahead = 64 << 20
	// saveEvery is how often positions are saved.
	saveEvery = 5 * time.Second
	// firstWait and lastWait are between tries while the bucket cannot be read.
	firstWait = time.Second
	lastWait  = time.Minute
)

// Source reads a bucket. Close must be called.
type Source struct {
	o       Options
	name    string // in the state
	seed    maphash.Seed
	ctx     context.Context
	end     context.CancelFunc
	work    sync.WaitGroup
	once    sync.Once
	queue   chan *pending // in order
	fetch   chan *pending
	room    *room
	fails   failures
	streak  atomic.Int64 // objects in a row that could not be fetched
	leftMu  sync.Mutex
	leftOut file.LeftOut

	mu    sync.Mutex
	err   error             // why the queue ended; nil = all was handed out
	marks map[string]string // of trails, by their roots: keys up to these are durable
	saved map[string]string
	told  string

	missing []string // of Options.Keys
}

var _ source.Source = (*Source)(nil)

// New returns a source. No request is sent before the first Next.
func New(o Options) (*Source, error) {
	if o.Limits == (file.Limits{}) {
		o.Limits = file.DefaultLimits()
	}
	if o.Every <= 0 {
		o.Every = DefaultEvery
	}
	if o.Fetchers <= 0 {
		o.Fetchers = DefaultFetchers
	}
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.wait == 0 {
		o.wait = firstWait
	}
	s := &Source{o: o, seed: maphash.MakeSeed(), queue: make(chan *pending, 4*o.Fetchers), fetch: make(chan *pending), room: newRoom(ahead), marks: map[string]string{}}
	s.name = o.Bucket.URL(o.Prefix)
	for _, part := range []struct {
		name string
		at   time.Time
	}{{" since ", o.Since}, {" until ", o.Until}} {
		if !part.at.IsZero() {
			s.name += part.name + part.at.UTC().Format(time.RFC3339)
		}
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	if o.Positions == nil {
		return s, nil
	}
	text, err := o.Positions.Resume(s.name, marksPart)
	if err != nil || text == "" {
		return s, err
	}
	if err := json.Unmarshal([]byte(text), &s.marks); err != nil {
		s.marks = map[string]string{} // all is listed again, which costs time only
	}
	s.saved = maps.Clone(s.marks)
	return s, nil
}

// marksPart is the part of the source under which positions are kept.
const marksPart = "trails"

// Next implements source.Source.
func (s *Source) Next(ctx context.Context) (*source.Batch, error) {
	s.once.Do(s.start)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case p, ok := <-s.queue:
		if ok {
			return s.batch(p), nil
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.err != nil {
			return nil, s.err
		}
		return nil, io.EOF
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Source) start() {
	for range s.o.Fetchers {
		s.work.Go(s.fetcher)
	}
	s.work.Go(func() {
		defer close(s.fetch)
		walk := s.walk
		if len(s.o.Keys) > 0 {
			walk = s.named
		}
		err := walk(s.ctx)
		s.mu.Lock()
		if s.err == nil {
			s.err = err
		}
		s.mu.Unlock()
		close(s.queue)
	})
	if s.o.Positions != nil {
		s.work.Go(func() {
			t := time.NewTicker(saveEvery)
			defer t.Stop()
			for {
				select {
				case <-t.C:
					s.save() // again in five seconds
				case <-s.ctx.Done():
					return
				}
			}
		})
	}
}

// stop ends a source that cannot go on.
func (s *Source) stop(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.end()
}

// fatal returns why the source cannot go on, nil = it can.
func (s *Source) fatal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Close ends the source and saves how far it came. Next must not be under way.
func (s *Source) Close() error {
	s.end()
	s.work.Wait()
	return s.save()
}

// Finished forgets the positions of a source that came to its end, so that the next run
// looks for objects that came late, too.
func (s *Source) Finished() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marks = map[string]string{}
	if s.o.Positions == nil || len(s.saved) == 0 {
		return nil
	}
	s.saved = nil
	return s.o.Positions.SetResume(s.name, marksPart, "")
}

func (s *Source) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.Positions == nil || maps.Equal(s.marks, s.saved) {
		return nil
	}
	text, err := json.Marshal(s.marks)
	if err != nil {
		return err
	}
	if err := s.o.Positions.SetResume(s.name, marksPart, string(text)); err != nil {
		return err
	}
	s.saved = maps.Clone(s.marks)
	return nil
}

// LeftOut tells which objects outside of CloudTrail's layout are not read.
func (s *Source) LeftOut() file.LeftOut {
	s.leftMu.Lock()
	defer s.leftMu.Unlock()
	return s.leftOut
}

// problem tells why the bucket cannot be read, once until that changes.
func (s *Source) problem(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	changed := text != s.told
	s.told = text
	s.mu.Unlock()
	if changed {
		s.o.Problem(err)
	}
}

// persist runs a request until it succeeds, or fails for good: while a source follows
// nothing is for good but the end of its context.
func (s *Source) persist(ctx context.Context, request func() error) error {
	for wait := s.o.wait; ; wait = min(2*wait, max(lastWait, s.o.wait)) {
		err := request()
		switch {
		case err == nil:
			s.problem(nil)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !s.o.Follow:
			return err
		}
		s.problem(err)
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// own reports whether an error of fetching is of one object, rather than of the bucket,
// the credentials or the network.
func own(err error) bool {
	switch c := code(err); c {
	case "":
		return errors.Is(err, bucket.ErrContent)
	case "AccessDenied", "NoSuchKey", "NoSuchVersion", "InvalidObjectState", "PreconditionFailed", "Forbidden", "NotFound":
		return true
	default:
		return len(c) > 4 && c[:4] == "KMS."
	}
}

// gone reports whether an object is not there any more.
func gone(err error) bool { return code(err) == "NoSuchKey" || code(err) == "NotFound" }

// code returns AWS's code of an error, "" = none.
func code(err error) string {
	var f *aws.Fault
	if !errors.As(err, &f) {
		return ""
	}
	return f.Code
}
