package sqs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/ingest"
	"bluetrail/internal/source"
	"bluetrail/internal/state"
)

// options are those of a source that is quick.
func options(q *queue, b *bucket, l Letters) Options {
	return Options{
		Name: "trail", Queue: "http://localhost/trail", Client: q, Objects: b, Letters: l, Buckets: []string{"trail"},
		Visibility: time.Second, Tries: 3, wait: time.Millisecond, pause: time.Millisecond, retry: 10 * time.Millisecond,
	}
}

func letters(t *testing.T) *state.DB {
	t.Helper()
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// until waits for something that must come true.
func until(t *testing.T, what string, true_ func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !true_(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// drain takes the batches of a source as a pipeline would, until ctx ends.
func drain(ctx context.Context, s source.Source) {
	for {
		b, err := s.Next(ctx)
		if err != nil {
			return
		}
		b.Ack(read(b))
	}
}

func read(b *source.Batch) (r source.Result) {
	in, err := b.Open(nil)
	if err != nil {
		r.Problems++
		return r
	}
	defer in.Close()
	for {
		_, err := in.Next()
		var one *event.RecordError
		switch {
		case err == nil:
			r.Events++
			r.Records++
		case errors.As(err, &one):
			r.Problems++
		default:
			r.Done = err.Error() == "EOF"
			return r
		}
	}
}

// TestEachEventOnce has two sources on one queue that delivers messages twice and
// objects under several messages, and loses deletions for a while: the store has each
// event once, and the queue is empty.
func TestEachEventOnce(t *testing.T) {
	const objects, each = 120, 7
	q, b := &queue{twice: 3, noDelete: true}, &bucket{objects: map[string][]byte{}, failing: map[string]int{}}
	for i := range objects {
		key := fmt.Sprintf("AWSLogs/%d.json", i)
		b.objects[key] = object(i*each, (i+1)*each)
		q.put(announce(key), wrapped(`{"s3Bucket":"trail","s3ObjectKey":["`+key+`"]}`))
		if i%10 == 0 {
			b.failing[key] = 1
			copied := strings.Replace(key, "AWSLogs", "copy", 1) // the same events under another key
			b.objects[copied] = b.objects[key]
			q.put(announce(copied))
		}
	}
	carried := func(record string) string {
		return strings.Replace(call, `{"eventVersion":"1.11","eventID":"x"}`, record, 1)
	}
	q.put(carried(record(objects*each)), carried(strings.Repeat(`{"a":`, 600)+"1"+strings.Repeat("}", 600)), "not a message", announce("gone"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p, err := ingest.Open(ctx, ingest.Config{Data: t.TempDir(), Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() {
			s := New(options(q, b, p.State()))
			defer s.Close()
			if _, err := p.Run(ctx, s, ingest.RunOptions{Live: true, Source: "trail"}); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
	}
	until(t, "all is stored", func() bool {
		c, err := p.State().Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		return c.Events == objects*each+1
	})
	q.mu.Lock()
	q.noDelete = false
	q.mu.Unlock()
	until(t, "the queue is empty", func() bool { return q.left() == 0 })
	stop()
	running.Wait()
	if c, err := p.State().Checkpoint(); err != nil || c.Events != objects*each+1 {
		t.Errorf("%d events are stored, want %d; %v", c.Events, objects*each+1, err)
	}
	list, _, err := p.State().DeadLetters("trail", 10)
	if err != nil || len(list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	if n, err := p.State().Files(); err != nil || n != objects+objects/10 {
		t.Errorf("the state keeps %d files for %d objects, %v", n, objects+objects/10, err)
	}
	for _, l := range list {
		if !strings.Contains(l.Reason, "not a JSON object") && !strings.Contains(l.Reason, "the object is gone") && !strings.Contains(l.Reason, "levels") {
			t.Errorf("a dead letter because of %q", l.Reason)
		}
	}
}

// TestDeletedOnceDurable looks at what is in the queue before and after the records are
// durable, and that the message stays hidden meanwhile.
func TestDeletedOnceDurable(t *testing.T) {
	q, b := &queue{}, &bucket{objects: map[string][]byte{"a": object(0, 3), "b": object(3, 6)}}
	q.put(`{"s3Bucket":"trail","s3ObjectKey":["a","b"]}`)
	s := New(options(q, b, letters(t)))
	defer s.Close()
	var got []*source.Batch
	for range 2 {
		batch, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, batch)
	}
	until(t, "visibility is extended twice", func() bool { return s.o.Counts.extended.Load() >= 2 })
	got[0].Ack(read(got[0]))
	q.mu.Lock()
	if len(q.messages) != 1 || q.messages[0].received != 1 {
		t.Errorf("the message is gone, or was delivered %d times, while an object of it is not durable", q.messages[0].received)
	}
	q.mu.Unlock()
	got[1].Ack(read(got[1]))
	until(t, "the message is deleted", func() bool { return q.left() == 0 })
}

// TestDeadLetters has messages fail in each way, and tries them again.
func TestDeadLetters(t *testing.T) {
	q, db := &queue{}, letters(t)
	b := &bucket{objects: map[string][]byte{"late": object(0, 1), "broken": []byte("\x1f\x8bno gzip"), "slow": object(1, 2), "large": append(bytes.Repeat([]byte(" "), maxSmall), record(9)...)}, failing: map[string]int{"late": 1000, "slow": 1}}
	q.put(announce("late"), announce("broken"), announce("slow"), announce("vanished"), strings.Replace(announce("slow"), "trail", "foreign", 1), `{"Event":"s3:TestEvent"}`, announce("large"))
	o := options(q, b, db)
	s := New(o)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { drain(ctx, s) })
	defer func() { stop(); running.Wait(); s.Close() }()
	until(t, "all messages are settled", func() bool { return q.left() == 0 })
	list, _, err := db.DeadLetters("trail", 10)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int64{}
	for _, l := range list {
		for what, reason := range map[string]string{"late": "SlowDown", "broken": "gzip", "vanished": "gone", "foreign": "does not list in buckets"} {
			if strings.Contains(l.Body, what) && strings.Contains(l.Reason, reason) {
				ids[what] = l.ID
			}
		}
		if strings.Contains(l.Body, "late") && l.Received != o.Tries {
			t.Errorf("%d tries, want %d", l.Received, o.Tries)
		}
	}
	if len(list) != 4 || len(ids) != 4 {
		t.Fatalf("dead letters %+v", list)
	}
	b.mu.Lock()
	b.failing["late"] = 0
	b.mu.Unlock()
	for _, what := range []string{"late", "vanished"} {
		if _, err := db.RetryDeadLetters("", ids[what]); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "one letter was taken in, the other failed again", func() bool {
		again, err := db.DeadLettersToRetry("trail")
		if err != nil {
			t.Fatal(err)
		}
		_, total, err := db.DeadLetters("trail", 10)
		return err == nil && len(again) == 0 && total == 3
	})
}

// TestClose gives messages back that are not durable.
func TestClose(t *testing.T) {
	q, b := &queue{}, &bucket{objects: map[string][]byte{"a": object(0, 1)}}
	q.put(announce("a"))
	o := options(q, b, letters(t))
	o.Visibility = time.Hour
	s := New(o)
	batch, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	batch.Ack(source.Result{Done: true}) // comes too late
	if q.left() != 1 || q.messages[0].visible.After(time.Now()) {
		t.Error("the message is gone or hidden")
	}
}

// TestRefused tells of a queue that cannot be read, once, and of its recovery.
func TestRefused(t *testing.T) {
	q := &queue{refuse: errors.New("AccessDenied")}
	var mu sync.Mutex
	var said []string
	o := options(q, &bucket{}, letters(t))
	o.Problem = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprint(err))
	}
	s := New(o)
	defer s.Close()
	until(t, "several failures", func() bool { return s.o.Counts.failures.Load() > 3 })
	q.mu.Lock()
	q.refuse = nil
	q.mu.Unlock()
	until(t, "it recovers", func() bool { mu.Lock(); defer mu.Unlock(); return len(said) == 2 })
	if !strings.Contains(said[0], "AccessDenied") || said[1] != "<nil>" {
		t.Error(said)
	}
}
