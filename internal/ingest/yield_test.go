package ingest

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"bluetrail/internal/filter"
	"bluetrail/internal/source"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
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
		start = time.Now()
		y.yield(t.Context())
		if took := time.Since(start); took != 0 {
			t.Error("it does not work after a pause:", took)
		}
		y.settle(t.Context())
		if took := time.Since(start); took < pauseTime || took > pauseTime+2*pausePoll {
			t.Error("before work that cannot pause it waits:", took)
		}
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

// TestHurry: a pipeline that is to end does not wait for searches.
func TestHurry(t *testing.T) {
	p := openPipeline(t, Config{Data: t.TempDir()})
	acks := make(chan source.Result, 1)
	f := make(feed, 1)
	f <- messages("a", 3, acks)
	close(f)
	if _, err := p.Run(t.Context(), f, RunOptions{}); err != nil {
		t.Fatal(err)
	}
	if p.searching() || p.store.Searched(time.Hour) {
		t.Error("there was a search")
	}
	sc, err := p.store.Prepare(&store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("eventName"), Earliest: store.Beginning, Latest: store.End})
	if err != nil {
		t.Fatal(err)
	}
	asked := false
	err = sc.Run(t.Context(), func(int, *vector.Batch) error {
		asked = true
		if !p.searching() {
			t.Error("a search is not noticed")
		}
		p.Hurry()
		if p.searching() {
			t.Error("it still waits")
		}
		return nil
	})
	if err != nil || !asked {
		t.Error(asked, err)
	}
	if !p.store.Searched(time.Hour) {
		t.Error("the search was not noted")
	}
}
