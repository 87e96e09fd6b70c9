package hec

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Bounds of acknowledgements.
const (
	maxChannels = 10_000
	idleTime    = 10 * time.Minute // as Splunk's maxIdleTime
	// maxWaiting bounds the requests of a channel that are under way or failed. A channel
	// with more of them is forgotten: to a client, all of them failed.
	maxWaiting = 100_000
)

// acks are the requests that clients ask about, by token and channel.
type acks struct {
	mu       sync.Mutex
	channels map[string]*channel
}

// channel numbers the requests of one client. All numbers below next are durable but
// those in not.
type channel struct {
	first, next uint64
	not         map[uint64]struct{} // under way, or failed
	used        time.Time
}

// open returns a number for a request; ok is false when there are too many.
func (a *acks) open(name string, now time.Time) (n uint64, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.channels[name]
	if c != nil && len(c.not) >= maxWaiting { // fewer are under way: these failed
		delete(a.channels, name)
		c = nil
	}
	if c == nil {
		if len(a.channels) >= maxChannels && !a.sweep(now) {
			return 0, false
		}
		if a.channels == nil {
			a.channels = map[string]*channel{}
		}
		// Numbers of a process that was killed must not stand for requests of this one:
		// their client would take as durable what was lost.
		first := rand.Uint64N(1 << 52)
		c = &channel{first: first, next: first, not: map[uint64]struct{}{}}
		a.channels[name] = c
	}
	n = c.next
	c.next++
	c.not[n] = struct{}{}
	c.used = now
	return n, true
}

// sweep forgets channels that were not used for long.
func (a *acks) sweep(now time.Time) bool {
	before := len(a.channels)
	for name, c := range a.channels {
		if now.Sub(c.used) > idleTime {
			delete(a.channels, name)
		}
	}
	return len(a.channels) < before
}

// durable notes that a request is.
func (a *acks) durable(name string, n uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.channels[name]; c != nil && n >= c.first {
		delete(c.not, n)
	}
}

// ask reports whether a request is durable.
func (a *acks) ask(name string, n uint64, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.channels[name]
	if c == nil {
		return false
	}
	c.used = now
	_, not := c.not[n]
	return n >= c.first && n < c.next && !not
}
