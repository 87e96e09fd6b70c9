package files

import (
	"sync"

	"bluetrail/internal/store"
)

var _ store.Passing = (*Store)(nil)

// passed is when events happened that were left out because of the time range. A
// file that was left out counts with its delivery.
type passed struct {
	mu             sync.Mutex
	n, first, last int64
}

func (p *passed) add(n, first, last int64) {
	if n == 0 {
		return
	}
	if p.n == 0 || first < p.first {
		p.first = first
	}
	if p.n == 0 || last > p.last {
		p.last = last
	}
	p.n += n
}

// take moves what a reader counted to p.
func (p *passed) take(of *passed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(of.n, of.first, of.last)
	of.n = 0
}

// Passed implements store.Passing.
func (s *Store) Passed() (n, first, last int64) {
	s.passed.mu.Lock()
	defer s.passed.mu.Unlock()
	return s.passed.n, s.passed.first, s.passed.last
}
