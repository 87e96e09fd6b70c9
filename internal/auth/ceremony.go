package auth

import (
	"sync"
	"time"
)

// ceremonies are sign-ins and registrations that take several requests. They are
// lost when the server ends; whoever was in the middle begins again.
type ceremonies struct {
	mu  sync.Mutex
	all map[string]ceremony
}

type ceremony struct {
	until time.Time
	value any
}

const (
	// maxCeremonies bounds those under way; the ones that end first make room.
	maxCeremonies = 1000
	// ceremonyTime is how long one may take.
	ceremonyTime = 10 * time.Minute
)

// begin keeps what a ceremony needs later, and returns its ID.
func (c *ceremonies) begin(now time.Time, value any) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = map[string]ceremony{}
	}
	if len(c.all) >= maxCeremonies {
		oldest, at := "", time.Time{}
		for id, x := range c.all {
			if now.After(x.until) {
				delete(c.all, id)
			} else if oldest == "" || x.until.Before(at) {
				oldest, at = id, x.until
			}
		}
		if len(c.all) >= maxCeremonies {
			delete(c.all, oldest)
		}
	}
	id := secret()
	c.all[id] = ceremony{now.Add(ceremonyTime), value}
	return id
}

// end returns what a ceremony kept, once.
func (c *ceremonies) end(now time.Time, id string) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x, found := c.all[id]
	delete(c.all, id)
	return x.value, found && now.Before(x.until)
}
