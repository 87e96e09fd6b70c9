package fn

import "strings"

// memo remembers what a slow function gave for texts, as long as they come
// again: fields of events have few different values. It belongs to one
// goroutine.
type memo[V any] struct {
	known        map[string]V
	asked, found int
	off          bool
}

const (
	memoTexts = 1024 // remembered at once
	memoBytes = 512  // of the longest
	memoTrial = 8192 // asked, after which every fourth must have been known
)

// of returns fn(s), which must depend on s alone and may be part of it; what fn
// says not to keep is not remembered.
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
