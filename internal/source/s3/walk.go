package s3

import (
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/aws/trailkey"
)

const (
	// listers is how many listings are under way at once.
	listers = 16
	// keysAhead bounds the keys that are listed ahead, of all trails together; each has
	// leastPage in any case.
	keysAhead = 100_000
	leastPage = 50
	// discoverEvery is how often new accounts and regions are looked for.
	discoverEvery = time.Hour
	// longRest bounds the pause behind a pass that took long.
	longRest = 10 * time.Minute
)

// trail is the keys of an account, a region and a folder.
type trail struct {
	root string
	trailkey.Trail

	listing bucket.Listing
	keys    []*pending // listed, not handed out; in the order of keys

	mu      sync.Mutex
	first   int // number of the first one below
	waiting []waiting
}

// waiting is an object that was listed, in the order of keys.
type waiting struct {
	key  string
	done bool
}

// number adds an object at the end of those that are waited for.
func (t *trail) number(key string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.waiting = append(t.waiting, waiting{key: key})
	return t.first + len(t.waiting) - 1
}

// done notes that an object is durable, and returns the key up to which all are.
func (t *trail) done(at int) (key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if at >= t.first {
		t.waiting[at-t.first].done = true
	}
	n := 0
	for n < len(t.waiting) && t.waiting[n].done {
		key = t.waiting[n].key
		n++
	}
	t.waiting = t.waiting[n:]
	t.first += n
	return key
}

// walker goes through a bucket.
type walker struct {
	s       *Source
	trails  map[string]*trail
	flat    []string
	seen    map[uint64]struct{} // handed out lately, by trails' objects
	now     map[uint64]struct{} // seen in the pass that is under way
	flatNow map[uint64]struct{}
	flatWas map[uint64]struct{}
	looked  time.Time // for trails
}

// walk hands out what lies in the bucket, and what comes while the source follows.
func (s *Source) walk(ctx context.Context) error {
	w := &walker{s: s, trails: map[string]*trail{}, seen: map[uint64]struct{}{}, flatWas: map[uint64]struct{}{}}
	for {
		start := time.Now()
		if err := s.persist(ctx, func() error { return w.discover(ctx) }); err != nil {
			return err
		}
		if err := w.pass(ctx); err != nil {
			return err
		}
		if !s.o.Follow {
			return nil
		}
		for _, p := range s.fails.due(s.o.now()) {
			if err := s.hand(ctx, p); err != nil {
				return err
			}
		}
		if err := sleep(ctx, max(s.o.Every, min(time.Since(start), longRest))); err != nil {
			return err
		}
	}
}

// discover finds the trails.
func (w *walker) discover(ctx context.Context) error {
	now := w.s.o.now()
	if !w.looked.IsZero() && now.Sub(w.looked) < discoverEvery {
		return nil
	}
	found, err := w.s.o.Bucket.Trails(ctx, w.s.o.Prefix, w.s.o.Scope)
	if err != nil {
		return err
	}
	for i := range found.Trails {
		root := found.Trails[i].Root()
		if w.trails[root] == nil {
			w.trails[root] = &trail{root: root, Trail: found.Trails[i]}
		}
	}
	w.flat, w.looked = found.Flat, now
	return nil
}

// pass goes through everything once.
func (w *walker) pass(ctx context.Context) error {
	w.now = map[uint64]struct{}{}
	most := int32(max(leastPage, min(bucket.Page, keysAhead/max(len(w.trails), 1))))
	var open []*trail
	for _, t := range w.trails {
		w.begin(t, most)
		open = append(open, t)
	}
	for len(open) > 0 {
		if err := w.refill(ctx, open); err != nil {
			return err
		}
		end := dayEnd(open)
		if err := w.day(ctx, open, end); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(t *trail) bool { return t.listing.Ended && len(t.keys) == 0 })
	}
	w.seen = w.now
	for _, prefix := range w.flat {
		if err := w.loose(ctx, prefix); err != nil {
			return err
		}
	}
	w.flatWas, w.flatNow = w.flatNow, nil
	return nil
}

// begin sets a trail's listing to where it begins: behind its mark, or some time before
// it where objects may still come.
func (w *walker) begin(t *trail, most int32) {
	o := &w.s.o
	t.keys = nil
	t.listing = bucket.Listing{Prefix: t.root, Most: most}
	if !o.Since.IsZero() {
		t.listing.After = before(t.DayOf(o.Since))
	}
	w.s.mu.Lock()
	mark := w.s.marks[t.root]
	w.s.mu.Unlock()
	if mark > t.listing.After {
		t.listing.After = mark
		if recent := before(t.DayOf(o.now().Add(-lookback))); o.Follow && recent < mark {
			if !o.Since.IsZero() {
				recent = max(recent, before(t.DayOf(o.Since)))
			}
			t.listing.After = recent
		}
	}
	if !o.Until.IsZero() {
		t.listing.Until = t.DayOf(o.Until.Add(24*time.Hour - 1))
	}
}

// before returns a string that sorts before all keys of a folder and after those of the
// folders before it.
func before(folder string) string { return strings.TrimSuffix(folder, "/") }

// refill lists more keys of the trails that have none left.
func (w *walker) refill(ctx context.Context, open []*trail) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	slots := make(chan struct{}, listers)
	for _, t := range open {
		if len(t.keys) > 0 || t.listing.Ended {
			continue
		}
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			if err := w.list(ctx, t); err != nil {
				cancel(err)
			}
		})
	}
	work.Wait()
	return context.Cause(ctx)
}

// list lists keys of a trail until some are wanted.
func (w *walker) list(ctx context.Context, t *trail) error {
	for len(t.keys) == 0 && !t.listing.Ended {
		var page []bucket.Object
		if err := w.s.persist(ctx, func() (err error) { page, err = w.s.o.Bucket.Next(ctx, &t.listing); return err }); err != nil {
			return err
		}
		for i := range page {
			if p := (&pending{Object: page[i], trail: t}); w.s.wanted(p) {
				t.keys = append(t.keys, p)
			}
		}
	}
	return nil
}

// dayEnd returns the time up to which all trails have listed their keys: their first ones
// are merged up to there. It is the end of the earliest day, or of what is listed of it.
func dayEnd(open []*trail) (end time.Time) {
	for _, t := range open {
		if len(t.keys) == 0 {
			continue
		}
		if d := t.keys[0].day().Add(24 * time.Hour); end.IsZero() || d.Before(end) {
			end = d
		}
	}
	return end
}

// day returns the day of delivery.
func (p *pending) day() time.Time {
	if k, ok := trailkey.Parse(p.Key); ok {
		return k.Day
	}
	at := p.delivered
	if at.IsZero() {
		at = p.Changed
	}
	return at.UTC().Truncate(24 * time.Hour)
}

// day hands out what was delivered before a time, in the order of delivery.
func (w *walker) day(ctx context.Context, open []*trail, end time.Time) error {
	for {
		var merged []*pending
		short := false // a trail may have more of the day than is listed
		for _, t := range open {
			n := 0
			for n < len(t.keys) && t.keys[n].day().Before(end) {
				n++
			}
			for _, p := range t.keys[:n] {
				if w.fresh(&p.Object) {
					p.at = t.number(p.Key)
					merged = append(merged, p)
				}
			}
			t.keys = t.keys[n:]
			short = short || n > 0 && len(t.keys) == 0 && !t.listing.Ended
		}
		slices.SortStableFunc(merged, func(a, b *pending) int {
			return cmp.Or(a.delivered.Compare(b.delivered), strings.Compare(a.Key, b.Key))
		})
		for _, p := range merged {
			if err := w.s.hand(ctx, p); err != nil {
				return err
			}
		}
		if !short {
			return nil
		}
		if err := w.refill(ctx, open); err != nil {
			return err
		}
	}
}

// fresh reports whether an object was not handed out lately.
func (w *walker) fresh(o *bucket.Object) bool {
	stamp := w.stamp(o)
	_, again := w.now[stamp]
	if w.s.o.Follow {
		w.now[stamp] = struct{}{}
	}
	_, was := w.seen[stamp]
	return !again && !was
}

func (w *walker) stamp(o *bucket.Object) uint64 {
	var h maphash.Hash
	h.SetSeed(w.s.seed)
	h.WriteString(o.Key)
	h.WriteByte(0)
	h.WriteString(o.ETag)
	return h.Sum64()
}

// loose hands out the objects below a prefix whose keys follow no order of time.
func (w *walker) loose(ctx context.Context, prefix string) error {
	if w.flatNow == nil {
		w.flatNow = map[uint64]struct{}{}
	}
	l := bucket.Listing{Prefix: prefix}
	for !l.Ended {
		var page []bucket.Object
		if err := w.s.persist(ctx, func() (err error) { page, err = w.s.o.Bucket.Next(ctx, &l); return err }); err != nil {
			return err
		}
		for i := range page {
			p := &pending{Object: page[i]}
			if k, ok := trailkey.Parse(p.Key); ok && !w.s.o.Scope.Takes(&k.Trail) || !w.s.wanted(p) {
				continue
			}
			stamp := w.stamp(&p.Object)
			if w.s.o.Follow {
				w.flatNow[stamp] = struct{}{}
			}
			if _, was := w.flatWas[stamp]; was {
				continue
			}
			if err := w.s.hand(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}
