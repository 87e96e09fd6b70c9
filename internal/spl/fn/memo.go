package fn

import "strings"

// memo caches the results of a slow function as long as the hit rate is high,
// since fields of events have few distinct values. It is not safe for
// concurrent use.
type memo[V any] struct {
	known        map[string]V
	asked, found int
	off          bool
}

const (
	memoTexts = 1024 // number of cached texts
	memoBytes = 512  // longest cached text
	memoTrial = 8192 // lookups per trial; the cache turns off if fewer than a quarter hit
)

// of returns fn(s). fn must depend only on s and may return parts of it.
// Results with keep false are not cached.
func (m *memo[V]) of(s string, fn func(s string) (v V, keep bool)) V {
	if m.off || len(s) > memoBytes {
		v, _ := fn(s)
		return v
	}
	m.asked++
	if v, ok := m.known[s]; ok {
		m.found++
		return v
	}
	if m.asked >= memoTrial {
		if m.off = m.found < m.asked/4; m.off {
			m.known = nil
			v, _ := fn(s)
			return v
		}
		m.asked, m.found = 0, 0
	}
	s = strings.Clone(s)
	v, keep := fn(s)
	if !keep {
		return v
	}
	if m.known == nil || len(m.known) >= memoTexts {
		m.known = make(map[string]V)
	}
	m.known[s] = v
	return v
}
