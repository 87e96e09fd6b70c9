package expr

import "unsafe"

// arena allocates short strings in shared chunks, to avoid one allocation per
// string. Every string keeps its chunk alive, so code that keeps a string past
// its batch must clone it, as with all strings of a batch.
type arena struct{ free []byte }

const (
	arenaChunk  = 8 << 10
	arenaString = 256 // longer strings get their own allocation
)

// join returns the concatenation of a and b.
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
	return unsafe.String(&dst[0], n) // dst is not modified again
}
