// Package lookupevents reads the events of an account that has no trail, from CloudTrail's
// event history: the management events of the last 90 days, by the API LookupEvents.
package lookupevents

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
)

// API is what the source asks of CloudTrail.
type API interface {
	LookupEvents(context.Context, *cloudtrail.LookupEventsInput, ...func(*cloudtrail.Options)) (*cloudtrail.LookupEventsOutput, error)
}

// Positions keeps where reading stopped: *state.DB.
type Positions interface {
	Resume(source, part string) (string, error)
	SetResume(source, part, value string) error
}

// Options say what is read.
type Options struct {
	Name      string // of the source, under which positions are kept
	Regions   []string
	Client    func(region string) API
	Positions Positions
	Meta      event.Meta // replaces what is known of records; empty fields do not
	Log       *slog.Logger
	// Problem is called with why a region cannot be read, once until it changes, and with
	// nil when it can be read again. May be nil.
	Problem func(region string, err error)

	Backfill time.Duration // how far back to read at first, 0 = History
	Every    time.Duration // between looks for new events, 0 = DefaultEvery
	Overlap  time.Duration // that each look reads again, 0 = DefaultOverlap

	now   func() time.Time
	pace  time.Duration // between calls in a region
	pause time.Duration // after the first failure
}

const (
	// History is how far back CloudTrail's event history goes.
	History = 90 * 24 * time.Hour
	// DefaultEvery is how often new events are looked for.
	DefaultEvery = time.Minute
	// DefaultOverlap is what each look reads again: most events can be looked up within
	// 15 minutes.
	DefaultOverlap = 20 * time.Minute
	// lateEvery is how often the last hours are read again for events that came later
	// still, lateSpan how many.
	lateEvery = time.Hour
	lateSpan  = 6 * time.Hour
	// pace is how often a region may be asked: twice in a second by CloudTrail's quota.
	pace = 510 * time.Millisecond
	// window is the span of one walk through the past.
	window = 24 * time.Hour

	firstPause = 2 * time.Second
	maxPause   = 5 * time.Minute
	saveEvery  = time.Second
)

// Source reads the event history of an account, one walker for what comes and one for
// the past in each region. It has no end. It holds a page of at most 50 events for each
// walker.
type Source struct {
	o       Options
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup
	ready   chan *source.Batch
	walkers []*walker

	mu   sync.Mutex
	told map[string]string // the last problem of each region
}

var _ source.Source = (*Source)(nil)

// New starts reading; Close must be called. An error is that of Positions.
func New(o Options) (*Source, error) {
	if o.Backfill <= 0 || o.Backfill > History {
		o.Backfill = History
	}
	if o.Every <= 0 {
		o.Every = DefaultEvery
	}
	if o.Overlap <= 0 {
		o.Overlap = DefaultOverlap
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.pace == 0 {
		o.pace = pace
	}
	if o.pause == 0 {
		o.pause = firstPause
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Problem == nil {
		o.Problem = func(string, error) {}
	}
	s := &Source{o: o, ready: make(chan *source.Batch), told: map[string]string{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	for _, region := range o.Regions {
		quota := newQuota(o.pace)
		client := o.Client(region)
		for _, past := range []bool{false, true} {
			w := &walker{s: s, region: region, past: past, api: client, quota: quota}
			if err := w.resume(); err != nil {
				s.stop()
				return nil, err
			}
			s.walkers = append(s.walkers, w)
		}
	}
	for _, w := range s.walkers {
		s.running.Go(w.walk)
	}
	s.running.Go(s.saver)
	return s, nil
}

// Next implements source.Source. Its error is that of ctx.
func (s *Source) Next(ctx context.Context) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case b := <-s.ready:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the source and keeps where it stopped. No Next may be under way.
func (s *Source) Close() error {
	s.stop()
	s.running.Wait()
	return s.save()
}

// saver keeps what is durable while the source runs.
func (s *Source) saver() {
	for s.sleep(saveEvery) {
		if err := s.save(); err != nil {
			s.o.Log.Error("cannot remember how far the event history was read", "error", err)
		}
	}
}

func (s *Source) save() error {
	for _, w := range s.walkers {
		text, ok := w.unsaved()
		if !ok {
			continue
		}
		if err := s.o.Positions.SetResume(s.o.Name, w.part(), text); err != nil {
			w.dirty()
			return err
		}
	}
	return nil
}

func (s *Source) problem(region string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	changed := text != s.told[region]
	s.told[region] = text
	s.mu.Unlock()
	if !changed {
		return
	}
	if err != nil {
		err = fmt.Errorf("cannot look up events in %s: %w", region, err)
	}
	s.o.Problem(region, err)
}

// sleep waits; it reports whether the source is still open.
func (s *Source) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// quota spaces the calls in a region.
type quota struct {
	mu   sync.Mutex
	pace time.Duration
	next time.Time
}

func newQuota(pace time.Duration) *quota { return &quota{pace: pace} }

// wait returns how long the caller has to wait for its call.
func (q *quota) wait() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if q.next.Before(now) {
		q.next = now
	}
	wait := q.next.Sub(now)
	q.next = q.next.Add(q.pace)
	return wait
}
