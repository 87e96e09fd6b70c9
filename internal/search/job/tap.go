package job

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// Store is what jobs search.
type Store interface {
	store.Store
	store.Spanning
	store.Naming
	store.Indexed
}

// tap stands between a search and its store: it sees how far the search is, and
// stops it between batches when others are to work. What need not come in order
// it reads slice by slice, the newest first, so that the progress is known.
type tap struct {
	Store
	turn  *turn
	floor int64 // no event before this is read, unix nanoseconds; 0 = all

	matched, bytes atomic.Int64
	lo, hi, done   atomic.Int64 // the time range, and down to where it is read
	first, last    atomic.Int64 // the range that was asked for
	asked          atomic.Bool
}

// over puts the tap on a store, and returns what to search: the store itself if
// it is of a kind that a tap does not fit.
func (t *tap) over(st store.Store) store.Store {
	t.first.Store(store.Beginning)
	t.last.Store(store.End)
	if fits, ok := st.(Store); ok {
		t.Store = fits
		return t
	}
	return st
}

// span returns the time range that was asked for first.
func (t *tap) span() (first, last int64) { return t.first.Load(), t.last.Load() }

// share says how much of the time range is done.
func (t *tap) share() float64 {
	lo, hi := t.lo.Load(), t.hi.Load()
	if !t.asked.Load() || hi <= lo {
		return 0
	}
	return min(1, max(0, float64(hi-t.done.Load())/float64(hi-lo)))
}

// Prepare implements store.Store.
func (t *tap) Prepare(q *store.Query) (store.Scan, error) {
	own := *q
	if t.floor != 0 {
		own.Earliest = max(own.Earliest, t.floor)
	}
	first, last := t.Span()
	lo := max(own.Earliest, first)
	// An empty store ends before it begins, by so much that hi-lo would overflow.
	hi := max(lo, min(own.Latest, last+1))
	if !t.asked.Swap(true) {
		t.first.Store(own.Earliest)
		t.last.Store(own.Latest)
		t.lo.Store(lo)
		t.hi.Store(hi)
	}
	t.lo.Store(min(t.lo.Load(), lo))
	t.hi.Store(max(t.hi.Load(), hi))
	t.done.Store(hi)
	sc, err := t.Store.Prepare(&own)
	if err != nil {
		return nil, err
	}
	return &tapped{Scan: sc, tap: t, q: own, lo: lo, hi: hi}, nil
}

type tapped struct {
	store.Scan
	tap    *tap
	q      store.Query
	lo, hi int64 // of the events there are
}

// The first slice is this part of the range. A slice is to take about sliceTime.
const (
	firstSlice = 64
	sliceTime  = 300 * time.Millisecond
)

// Run implements store.Scan.
func (s *tapped) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	t := s.tap
	take := func(worker int, b *vector.Batch) error {
		t.matched.Add(rowsIn(b))
		t.bytes.Add(int64(b.Size()))
		if err := t.turn.check(ctx); err != nil {
			return err
		}
		return emit(worker, b)
	}
	if s.q.Ordered || s.hi-s.lo < int64(time.Hour) {
		err := s.Scan.Run(ctx, take)
		t.done.Store(s.lo)
		return err
	}
	for end, width := s.q.Latest, (s.hi-s.lo)/firstSlice; ; {
		q := s.q
		q.Latest = end
		if edge := min(end, s.hi); width < edge-s.lo {
			q.Earliest = edge - width
		}
		began := time.Now()
		sc, err := t.Store.Prepare(&q)
		if err != nil {
			return err
		}
		if err := sc.Run(ctx, take); err != nil {
			return err
		}
		t.done.Store(max(s.lo, min(q.Earliest, s.hi)))
		if q.Earliest == s.q.Earliest {
			t.done.Store(s.lo)
			return nil
		}
		if err := t.turn.check(ctx); err != nil {
			return err
		}
		end = q.Earliest
		grow := min(4, max(0.5, float64(sliceTime)/float64(time.Since(began)+1)))
		if w := float64(width) * grow; w < math.MaxInt64/2 {
			width = max(int64(time.Second), int64(w))
		}
	}
}

// rowsIn counts the events that the rows of a batch stand for.
func rowsIn(b *vector.Batch) (n int64) {
	alike := b.Col(vector.Alike)
	if alike == nil {
		return int64(b.Len)
	}
	for i := range b.Len {
		f, _ := alike.At(i).Num()
		n += int64(f)
	}
	return n
}
