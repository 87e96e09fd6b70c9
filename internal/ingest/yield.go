package ingest

import (
	"context"
	"time"
)

// yielding makes a worker of the pipeline give way to searches: someone waits for
// those. It pauses while a search reads from the store, but goes on at the
// latest after pauseTime, for half as long as it paused.
type yielding struct {
	searching func() bool
	until     time.Time // it does not pause before
}

const (
	pauseTime = 300 * time.Millisecond
	// pausePoll is how often a worker looks whether it may go on.
	pausePoll = 2 * time.Millisecond
)

// yield returns when the worker may do a little more work.
func (y *yielding) yield(ctx context.Context) {
	if !y.searching() {
		return
	}
	start := time.Now()
	if start.Before(y.until) {
		return
	}
	for y.searching() && time.Since(start) < pauseTime && ctx.Err() == nil {
		time.Sleep(pausePoll)
	}
	now := time.Now()
	y.until = now.Add(now.Sub(start) / 2)
}

// settle is yield before work that cannot pause: it counts no earlier pause.
func (y *yielding) settle(ctx context.Context) {
	y.until = time.Time{}
	y.yield(ctx)
}
