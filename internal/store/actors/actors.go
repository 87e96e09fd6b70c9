// Package actors adds actor, actor_type, actor_class, session_id and actor_chain to the events of a
// store. They follow from many events, so a search that names one of them first reads
// who issued which credentials to whom; see docs/identity.md.
package actors

import (
	"context"
	"fmt"
	"math"
	"sync"

	"bluetrail/internal/actor"
	"bluetrail/internal/identity"
	"bluetrail/internal/store"

	"github.com/dustin/go-humanize"
)

// Actors remembers what the events of one store tell of callers, for all searches of a
// process. It is safe for concurrent use; the zero Actors is ready.
type Actors struct {
	// Shown returns the last batch that searches see, as store.Arrival counts them;
	// later ones are read when a search needs them. nil: the store takes in no events.
	Shown func() (int64, error)

	// Class returns the class of an actor of a type, for concurrent use. nil: the events
	// are read for it.
	Class func(name, kind string) string

	// Overrides are what users say of actors, where the events are read.
	Overrides *actor.Overrides

	once   sync.Once
	busy   chan struct{} // holds one token while somebody reads the store
	mu     sync.Mutex
	latest *known
}

// Known returns the Actors of a trail and a book that are complete. Without a book there
// are no classes.
func Known(trail *identity.Trail, book *actor.Book) *Actors {
	return &Actors{latest: &known{trail: trail, book: book, upto: math.MaxInt64, windows: true, classes: true}}
}

// known is what the events up to a batch tell.
type known struct {
	trail   *identity.Trail
	upto    int64
	windows bool // of idle windows, too, which take longer to read
	classes bool // and of what actors usually do, for which all events are read
	classOf sync.Mutex
	book    *actor.Book // under classOf; nil = none
	users   int         // searches that read trail, counted under Actors.mu
}

// Search is what one search knows. All its scans see the same, whatever comes in
// meanwhile. It is safe for concurrent use.
type Search struct {
	all  *Actors
	st   store.Store
	warn func(format string, args ...any)

	mu   sync.Mutex
	held []*known
}

// NewSearch begins a search of st. a may be nil: nothing is remembered for others. warn is told
// what the user must know. Close must be called.
func (a *Actors) NewSearch(st store.Store, warn func(format string, args ...any)) *Search {
	if a == nil {
		a = &Actors{}
	}
	return &Search{all: a, st: st, warn: warn}
}

// Close ends the search.
func (s *Search) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all.mu.Lock()
	defer s.all.mu.Unlock()
	for _, k := range s.held {
		k.users--
	}
	s.held = nil
}

// class returns the class of an actor.
func (k *known) class(name, kind string) string {
	if k.book == nil {
		return ""
	}
	k.classOf.Lock()
	defer k.classOf.Unlock()
	return string(k.book.Opinion(name, kind).Class)
}

// known returns what is known, reading it first where necessary.
func (s *Search) known(ctx context.Context, windows, classes bool) (*known, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	classes = classes && s.all.Class == nil
	for _, k := range s.held {
		if (k.windows || !windows) && (k.classes || !classes) {
			return k, nil
		}
	}
	k, err := s.all.take(ctx, s.st, windows, classes)
	if err != nil {
		return nil, fmt.Errorf("cannot read who is behind the events: %w", err)
	}
	s.held = append(s.held, k)
	if n := k.trail.Dropped(); n > 0 {
		s.warn("actors and sessions of old events may be wrong or uncertain: %s facts about credentials did not fit into %d MiB", humanize.Comma(int64(n)), identity.DefaultLimit>>20)
	}
	return k, nil
}

// take returns what all events tell that searches see now. Its users include the
// caller.
func (a *Actors) take(ctx context.Context, st store.Store, windows, classes bool) (*known, error) {
	a.once.Do(func() { a.busy = make(chan struct{}, 1) })
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	upto := int64(math.MaxInt64)
	if a.Shown != nil {
		var err error
		if upto, err = a.Shown(); err != nil {
			return nil, err
		}
	}
	k := a.latest // changes only under busy
	switch {
	case k == nil || windows && !k.windows || classes && !k.classes || k.upto > upto || k.classes && k.upto < upto:
		t, book, err := read(ctx, st, store.Arrival{Upto: limit(upto)}, windows, classes)
		if err != nil {
			return nil, err
		}
		if book != nil {
			book.Overrides = a.Overrides
		}
		k = &known{trail: t, book: book, upto: upto, windows: windows || classes, classes: classes}
	case k.upto < upto:
		more, _, err := read(ctx, st, store.Arrival{After: k.upto, Upto: limit(upto)}, k.windows, false)
		if err != nil {
			return nil, err
		}
		k = a.add(k, more, upto)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.latest = k
	k.users++
	return k, nil
}

// limit returns a batch as the end of a store.Arrival.
func limit(upto int64) int64 {
	if upto == math.MaxInt64 {
		return 0
	}
	return upto
}

// add returns what k and more tell together. It changes k unless a search reads it.
func (a *Actors) add(k *known, more *identity.Trail, upto int64) *known {
	a.mu.Lock()
	defer a.mu.Unlock()
	if k.users > 0 && !more.Empty() {
		own := identity.NewTrail(0)
		own.Merge(k.trail)
		k = &known{trail: own, windows: k.windows}
	}
	k.trail.Merge(more)
	k.upto = upto
	return k
}
