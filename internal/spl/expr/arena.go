package expr

import "unsafe"

// arena gives short strings places in shared chunks, which spares an
// allocation for each. A chunk lives as long as one of its strings: whoever
// keeps one past its batch clones it, as with all strings of a batch.
type arena struct{ free []byte }

const (
	arenaChunk  = 8 << 10
	arenaString = 256 // longer ones get an allocation of their own
)

// join returns a followed by b.
func (m *arena) join(a, b string) string {
	n := len(a) + len(b)
	if n == 0 || n > arenaString {
		return a + b
	}
	if n > len(m.free) {
		m.free = make([]byte, arenaChunk)
	}
	dst := m.free[:n:n]
	m.free = m.free[n:]
	copy(dst[copy(dst, a):], b)
	return unsafe.String(&dst[0], n) // dst is not written to again
}
