package ingest

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestYield: a worker waits for searches, and is not held up by one after the
// other.
func TestYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var searching atomic.Bool
		y := yielding{searching: searching.Load}
		start := time.Now()
		y.yield(t.Context())
		if took := time.Since(start); took != 0 {
			t.Error("it waits for nothing:", took)
		}
		searching.Store(true)
		time.AfterFunc(pauseTime/3, func() { searching.Store(false) })
		y.yield(t.Context())
		if took := time.Since(start); took < pauseTime/3 || took > pauseTime/2 {
			t.Error("it waits for a short search:", took)
		}
		searching.Store(true)
		time.Sleep(pauseTime)
		var worked, all time.Duration
		for all < time.Minute { // a search without end
			before := time.Now()
			y.yield(t.Context())
			time.Sleep(time.Millisecond) // work
			worked += time.Millisecond
			all += time.Since(before)
		}
		if share := float64(worked) / float64(all); share < 0.3 || share > 0.4 {
			t.Errorf("it works for %.2f of the time", share)
		}
	})
}
