package ingest

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLiveBatchesAreDue: batches of a live source wait for a second, longer
// after a slow commit, and never longer than a few seconds. Others wait longer.
func TestLiveBatchesAreDue(t *testing.T) {
	for _, c := range []struct {
		live       bool
		took, want time.Duration
	}{
		{true, 0, time.Second},
		{true, 10 * time.Millisecond, time.Second},
		{true, 200 * time.Millisecond, 2 * time.Second},
		{true, 2 * time.Second, 3 * time.Second},
		{true, time.Hour, 3 * time.Second},
		{false, 0, usual.age},
		{false, time.Hour, usual.age},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &Pipeline{cfg: Config{batch: usual}, batch: newBatch(), took: c.took}
			p.batch.live, p.batch.began = c.live, time.Now()
			if p.due() {
				t.Error("an empty batch is due")
			}
			p.batch.id = 1
			if time.Sleep(c.want - time.Nanosecond); p.due() {
				t.Errorf("live %t, last commit %s: due before %s", c.live, c.took, c.want)
			}
			if time.Sleep(time.Nanosecond); !p.due() {
				t.Errorf("live %t, last commit %s: not due after %s", c.live, c.took, c.want)
			}
		})
	}
}
