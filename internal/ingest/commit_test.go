package ingest

import (
	"errors"
	"testing"
	"time"

	"bluetrail/internal/source"
)

// until waits for a condition that holds sooner or later.
func until(t *testing.T, p *Pipeline, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		p.mu.Lock()
		ok := holds()
		p.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// slowCommit opens a pipeline whose first commit waits, in its midst, for what
// is sent to the channel that it returns. The other one tells that it does.
func slowCommit(t *testing.T, data string) (p *Pipeline, begun chan struct{}, end chan error) {
	t.Helper()
	begun, end = make(chan struct{}, 1), make(chan error)
	first := true
	p = openPipeline(t, Config{Data: data, batch: limits{events: 10, bytes: 1 << 30, age: time.Hour}, handedOver: func(b *batch) error {
		if b.events == 0 || !first {
			return nil
		}
		first = false
		begun <- struct{}{}
		return <-end
	}})
	return p, begun, end
}

// begin takes batches in by a run of their own.
func begin(p *Pipeline, batches ...*source.Batch) <-chan error {
	f := make(feed, len(batches))
	for _, b := range batches {
		f <- b
	}
	close(f)
	ended := make(chan error, 1)
	go func() { _, err := p.Run(ctx, f, RunOptions{}); ended <- err }()
	return ended
}

// TestCommitHoldsNobodyUp: while a commit is under way another run fills the next
// batch, events that are being committed count as known, and nothing of either is
// acknowledged.
func TestCommitHoldsNobodyUp(t *testing.T) {
	data := t.TempDir()
	p, begun, end := slowCommit(t, data)
	acks := make(chan source.Result, 8)
	one := begin(p, messages("a", 10, acks))
	<-begun
	two := begin(p, messages("b", 5, acks), messages("a", 10, acks))
	until(t, p, "the second run has filled a batch", func() bool { return p.batch.events == 5 && len(p.batch.acks) == 2 })
	if n := counted(t, p.Store()); n != 0 || len(acks) != 0 {
		t.Errorf("%d events are seen and %d batches acknowledged before they are durable", n, len(acks))
	}
	end <- nil
	for _, ended := range []<-chan error{one, two} {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if n := counted(t, p.Store()); n != 15 || len(acks) != 3 {
		t.Errorf("%d events are stored and %d batches acknowledged, want 15 and 3", n, len(acks))
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFailedCommit: a commit that fails takes back the ids of its events, and of
// those that another run counted as known meanwhile.
func TestFailedCommit(t *testing.T) {
	data := t.TempDir()
	p, begun, end := slowCommit(t, data)
	acks := make(chan source.Result, 8)
	one := begin(p, messages("a", 10, acks))
	<-begun
	again := messages("a", 10, acks)
	again.Key = "test:again"
	two := begin(p, again, messages("b", 5, acks))
	until(t, p, "the second run has filled a batch", func() bool { return p.batch.events == 5 && len(p.batch.acks) == 2 })
	full := errors.New("the disk is full")
	end <- full
	for _, ended := range []<-chan error{one, two} {
		if err := <-ended; !errors.Is(err, full) {
			t.Errorf("a run ended with %v, want %v", err, full)
		}
	}
	if err := p.Close(); !errors.Is(err, full) {
		t.Errorf("closed with %v", err)
	}
	if len(acks) != 0 {
		t.Errorf("%d batches were acknowledged although nothing is durable", len(acks))
	}

	p = openPipeline(t, Config{Data: data})
	for _, b := range []*source.Batch{messages("a", 10, acks), messages("b", 5, acks)} {
		if err := <-begin(p, b); err != nil {
			t.Error(err)
		}
	}
	if n := counted(t, p.Store()); n != 15 {
		t.Errorf("%d events are stored, want 15", n)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCommitsRace runs sources side by side, with commits and removals all the
// time. It is for the race detector.
func TestCommitsRace(t *testing.T) {
	p := openPipeline(t, Config{Data: t.TempDir(), Workers: 2, batch: limits{events: 20, bytes: 1 << 30, age: time.Millisecond}})
	acks := make(chan source.Result, 400)
	var runs []<-chan error
	for r := range 4 {
		var list []*source.Batch
		for i := range 25 {
			list = append(list, messages(string(rune('a'+(i+r)%30)), 7, acks)) // some come by several runs
		}
		runs = append(runs, begin(p, list...))
	}
	for range 5 {
		if _, err := p.Retain(ctx); err != nil {
			t.Error(err)
		}
	}
	for _, ended := range runs {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if n := counted(t, p.Store()); n != 28*7 || len(acks) != 100 {
		t.Errorf("%d events are stored and %d batches acknowledged, want %d and 100", n, len(acks), 28*7)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
