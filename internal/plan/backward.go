package plan

import (
	"context"
	"io"
	"math"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// backward delivers events newest first. It reads one time slice after the
// other, so that memory holds only one slice, and a search that has enough rows
// ends without reading the rest.
type backward struct {
	env         *exec.Env
	st          store.Store
	q           store.Query
	first, last int64 // time range of the store's events
	end         int64 // end of the unread range
	width       int64 // of the next slice
	limit       int   // rows wanted from each slice, 0 = all
	current     *parallel
	held        int64 // bytes that the current slice delivered
	done        bool
}

// The first slices are short, for searches that soon have enough rows. They
// grow until one fills about this share of a search's memory.
const (
	firstSlice = int64(15 * time.Minute)
	leastSlice = int64(time.Second)
	sliceShare = 8
)

func newBackward(env *exec.Env, st store.Store, q *store.Query, first, last int64, limit int) *backward {
	return &backward{env: env, st: st, q: *q, first: max(first, q.Earliest), last: last, end: q.Latest, width: firstSlice, limit: limit}
}

func (s *backward) Next(ctx context.Context) (*vector.Batch, error) {
	for {
		if s.current == nil {
			if s.done {
				return nil, io.EOF
			}
			if err := s.open(); err != nil {
				return nil, err
			}
		}
		b, err := s.current.Next(ctx)
		if err != io.EOF {
			if b != nil {
				s.held += int64(b.Size())
			}
			return b, err
		}
		s.Close()
		share := s.env.Limits.Memory / sliceShare
		switch {
		case s.held < share && s.width < math.MaxInt64/2:
			s.width *= 2
		case s.held > 2*share && s.width > leastSlice:
			s.width /= 2
		}
		s.held = 0
	}
}

// open prepares the next slice. The first slice extends to the end of the range
// and the last to its beginning, because a store may keep events at times other
// than their own.
func (s *backward) open() error {
	q := s.q
	q.Latest = s.end
	if edge := min(s.end, s.last); edge > s.first && s.width < edge-s.first {
		q.Earliest = edge - s.width
	} else {
		s.done = true
	}
	s.end = q.Earliest
	sc, err := s.st.Prepare(&q)
	if err != nil {
		return err
	}
	s.current = &parallel{env: s.env, scan: sc, now: q.Now, reducer: func() (exec.Reducer, error) { return newNewest(s.env, s.limit), nil }}
	return nil
}

func (s *backward) Close() {
	if s.current != nil {
		s.current.Close()
		s.current = nil
	}
}
