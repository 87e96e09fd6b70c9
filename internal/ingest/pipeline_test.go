package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/source"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// feed is a source that a test writes to.
type feed chan *source.Batch

func (f feed) Next(ctx context.Context) (*source.Batch, error) {
	select {
	case b, ok := <-f:
		if !ok {
			return nil, io.EOF
		}
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// records is a batch of text.
type records struct{ *event.Decoder }

func (records) Close() error { return nil }

// messages returns a batch of n events whose acknowledgement is sent to acks.
func messages(name string, n int, acks chan<- source.Result) *source.Batch {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"eventVersion":"1.08","eventID":"%s-%d","eventTime":"2026-01-05T10:00:00Z","eventName":"A"}`+"\n", name, i)
	}
	return &source.Batch{
		Name: name, Key: "test:" + name, Size: int64(text.Len()), Changed: time.Unix(1, 0), Meta: event.Meta{Index: "aws", Source: name, Host: "h"},
		Open: func(*atomic.Int64) (source.Records, error) {
			return records{event.NewDecoder(strings.NewReader(text.String()), event.Limits{})}, nil
		},
		Ack: func(r source.Result) { acks <- r },
	}
}

// counted returns how many events a search sees.
func counted(t *testing.T, st store.Store) (n int) {
	t.Helper()
	sc, err := st.Prepare(&store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("eventName"), Earliest: store.Beginning, Latest: store.End})
	if err != nil {
		t.Fatal(err)
	}
	var rows atomic.Int64
	if err := sc.Run(ctx, func(_ int, b *vector.Batch) error { rows.Add(int64(b.Len)); return nil }); err != nil {
		t.Fatal(err)
	}
	return int(rows.Load())
}

func openPipeline(t *testing.T, cfg Config) *Pipeline {
	t.Helper()
	p, err := Open(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestLiveSource: what is acknowledged is seen by the next search, what is not
// is seen by none, and a batch is acknowledged without another one coming.
func TestLiveSource(t *testing.T) {
	data := t.TempDir()
	p := openPipeline(t, Config{Data: data})
	f, acks := make(feed), make(chan source.Result, 8)
	stopping, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { _, err := p.Run(stopping, f, RunOptions{Live: true}); ended <- err }()
	for i := 1; i <= 3; i++ {
		f <- messages(fmt.Sprint("m", i), 10, acks)
		if r := <-acks; r.Events != 10 || !r.Done || r.Problems != 0 {
			t.Errorf("acknowledged %+v", r)
		}
		if n := counted(t, p.Store()); n != 10*i {
			t.Errorf("a search sees %d events, %d are acknowledged", n, 10*i)
		}
	}
	f <- messages("m1", 10, acks)
	if r := <-acks; r.Events != 0 || !r.Done {
		t.Errorf("a batch that came again is acknowledged as %+v", r)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(values(t, data, "eventID")); got != 30 {
		t.Errorf("%d events stored, want 30", got)
	}
}

// TestUncommittedIsNotSeen holds a batch back: its rows reach the store, and no
// search counts them.
func TestUncommittedIsNotSeen(t *testing.T) {
	f, acks := make(feed), make(chan source.Result, 8)
	var p *Pipeline
	p = openPipeline(t, Config{Data: t.TempDir(), batch: limits{events: 1 << 30, bytes: 1 << 40, age: time.Hour}, handedOver: func(b *batch) error {
		if b.events != 15 {
			return nil
		}
		if err := p.store.Sync(); err != nil { // makes the engine show what it was given
			t.Error(err)
		}
		if n := counted(t, p.Store()); n != 0 {
			t.Errorf("%d events are seen before they are durable", n)
		}
		if len(acks) > 0 {
			t.Error("acknowledged before it is durable")
		}
		return nil
	}})
	ended := make(chan error, 1)
	go func() { _, err := p.Run(ctx, f, RunOptions{}); ended <- err }()
	f <- messages("a", 5, acks)
	f <- messages("b", 5, acks)
	f <- messages("c", 5, acks) // by now a was taken
	for {
		p.mu.Lock()
		n := p.batch.events
		p.mu.Unlock()
		if n == 15 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	close(f)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if n := counted(t, p.Store()); n != 15 || len(acks) != 3 {
		t.Errorf("%d events and %d acknowledgements, want 15 and 3", n, len(acks))
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRunsShare takes overlapping files in by several runs at once.
func TestRunsShare(t *testing.T) {
	dir, ids := trail(t)
	p := openPipeline(t, Config{Data: t.TempDir(), batch: limits{events: 700, bytes: 1 << 30, age: time.Hour}})
	sums := make(chan Summary, 3)
	for range cap(sums) {
		go func() {
			sum, err := p.Files(ctx, Options{Dir: filepath.Dir(dir), Paths: []string{filepath.Base(dir)}})
			if err != nil {
				t.Error(err)
			}
			sums <- sum
		}()
	}
	events := 0
	for range cap(sums) {
		events += (<-sums).Events
	}
	if n := counted(t, p.Store()); n != len(ids) || events != n {
		t.Errorf("%d events are stored and %d reported, want %d", n, events, len(ids))
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestBadBatch: a batch that cannot be opened is a problem of its own.
func TestBadBatch(t *testing.T) {
	p := openPipeline(t, Config{Data: t.TempDir()})
	acks := make(chan source.Result, 2)
	bad := messages("bad", 1, acks)
	bad.Open = func(*atomic.Int64) (source.Records, error) { return nil, errors.New("no way in") }
	f := make(feed, 2)
	f <- bad
	f <- messages("good", 3, acks)
	close(f)
	sum, err := p.Run(ctx, f, RunOptions{})
	if err != nil || sum.Events != 3 || sum.SkippedTotal != 1 || sum.Skipped[0].Text != "no way in" {
		t.Errorf("%+v: %v", sum, err)
	}
	if r := <-acks; r.Done {
		t.Errorf("a batch that was not read is acknowledged as %+v", r)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
