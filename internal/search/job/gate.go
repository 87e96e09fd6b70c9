package job

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Gate bounds how many searches work at once, so that the rest of the process
// is not starved and short searches end soon however many there are. A search
// that has worked for longer than quantum is long: while others wait, it stops
// between two batches of rows until it is let in again. Long searches get one
// place in any case, and those of one user wait for those of others.
type Gate struct {
	places  int
	quantum time.Duration

	mu      sync.Mutex
	working map[*turn]bool
	waiting []*turn
	urgent  atomic.Bool // somebody waits
}

// NewGate returns a gate of so many places, at least two.
func NewGate(places int, quantum time.Duration) *Gate {
	return &Gate{places: max(2, places), quantum: quantum, working: map[*turn]bool{}}
}

// turn is a search at the gate.
type turn struct {
	gate *Gate
	user string
	long atomic.Bool
	in   chan struct{} // closed once let in; of the present wait

	began  atomic.Int64 // unix nanoseconds; when it was let in first
	pause  sync.Mutex   // one worker of the search waits for all
	queued time.Time
}

// enter waits for a place.
func (g *Gate) enter(ctx context.Context, user string) (*turn, error) {
	t := &turn{gate: g, user: user}
	if err := t.wait(ctx); err != nil {
		return nil, err
	}
	t.began.Store(time.Now().UnixNano())
	return t, nil
}

func (t *turn) wait(ctx context.Context) error {
	g := t.gate
	g.mu.Lock()
	t.in, t.queued = make(chan struct{}), time.Now()
	g.waiting = append(g.waiting, t)
	g.admit()
	in := t.in
	g.mu.Unlock()
	select {
	case <-in:
		return nil
	case <-ctx.Done():
		t.leave()
		return context.Cause(ctx)
	}
}

// leave gives the place back, or ends the wait for one. It may be called more
// than once.
func (t *turn) leave() {
	g := t.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.working, t)
	for i, w := range g.waiting {
		if w == t {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			break
		}
	}
	g.admit()
}

// admit lets in who may work. The lock is held.
func (g *Gate) admit() {
	for len(g.working) < g.places {
		i := g.next()
		if i < 0 {
			break
		}
		t := g.waiting[i]
		g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
		g.working[t] = true
		close(t.in)
	}
	g.urgent.Store(len(g.waiting) > 0)
}

// next returns who of the waiting is let in: short searches before long ones but
// for one place, then who has the fewest at work, then who has waited longest.
func (g *Gate) next() int {
	long, by := 0, map[string]int{}
	for t := range g.working {
		by[t.user]++
		if t.long.Load() {
			long++
		}
	}
	best := -1
	before := func(a, b *turn) bool {
		if al, bl := a.long.Load(), b.long.Load(); al != bl {
			return al == (long == 0)
		}
		if by[a.user] != by[b.user] {
			return by[a.user] < by[b.user]
		}
		return a.queued.Before(b.queued)
	}
	for i, t := range g.waiting {
		if best < 0 || before(t, g.waiting[best]) {
			best = i
		}
	}
	return best
}

// before returns how many short searches have waited since before a time.
func (g *Gate) before(since time.Time) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, t := range g.waiting {
		if t.queued.Before(since) && !t.long.Load() {
			n++
		}
	}
	return n
}

// check is called between batches of rows, from any worker of the search. A long
// search gives its place to one that waits, and waits itself.
func (t *turn) check(ctx context.Context) error {
	if t == nil || time.Now().UnixNano()-t.began.Load() < int64(t.gate.quantum) {
		return nil
	}
	t.long.Store(true)
	t.pause.Lock() // the other workers stop here while one waits
	defer t.pause.Unlock()
	if !t.gate.urgent.Load() {
		return nil
	}
	t.leave()
	if err := t.wait(ctx); err != nil {
		return err
	}
	t.began.Store(time.Now().UnixNano() - int64(t.gate.quantum)*3/4) // it is long, and works a quarter of the time before it looks again
	return nil
}
