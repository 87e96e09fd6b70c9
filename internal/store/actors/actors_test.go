package actors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/identity"
	"bluetrail/internal/search"
	"bluetrail/internal/store"
	"bluetrail/internal/store/actors"
	"bluetrail/internal/store/memory"

	"github.com/google/go-cmp/cmp"
)

// asked is a store that keeps the arrivals of the queries that read facts.
type asked struct {
	*memory.Store
	mu   sync.Mutex
	list []store.Arrival
}

func (a *asked) Prepare(q *store.Query) (store.Scan, error) {
	if names := q.Fields.Names(); len(names) == 1 && names[0] == "_raw" {
		a.mu.Lock()
		a.list = append(a.list, q.Arrived)
		a.mu.Unlock()
	}
	return a.Store.Prepare(q)
}

func (a *asked) take() []store.Arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	list := a.list
	a.list = nil
	return list
}

// TestArrivals: what one search read is not read again for others, and those find the
// same as one that reads everything.
func TestArrivals(t *testing.T) {
	records := trail(t)
	n := int64(len(records))
	st := &asked{Store: memoryOf(t, records)}
	shown := int64(0)
	known := func() (int64, error) { return shown, nil }
	shared := &actors.Actors{Shown: known}
	options := func(a *actors.Actors, text string) search.Options {
		return search.Options{Text: text, Store: st, Actors: a, Arrived: store.Arrival{Upto: shown}, Clock: time.Unix(1_800_000_000, 0)}
	}
	const text, plain = "* | stats count by actor actor_chain session_id", "* | stats count by actor actor_type"
	check := func(text string, want ...store.Arrival) {
		t.Helper()
		got := rows(t, options(shared, text))
		if d := cmp.Diff(want, st.take()); d != "" {
			t.Errorf("up to %d, %s: read (-want +got)\n%s", shown, text, d)
		}
		if d := cmp.Diff(rows(t, options(nil, text)), got); d != "" && shown == n { // nil knows what comes later
			t.Errorf("up to %d, %s: (-alone +shared)\n%s", shown, text, d)
		}
		if d := cmp.Diff(rows(t, options(&actors.Actors{Shown: known}, text)), got); d != "" {
			t.Errorf("up to %d, %s: (-anew +shared)\n%s", shown, text, d)
		}
		st.take()
	}
	shown = n / 4
	check(plain, store.Arrival{Upto: n / 4})
	check("* | stats count by eventName")
	check("index=_findings actor=x | stats count by actor")
	check(text, store.Arrival{Upto: n / 4}) // idle windows, too
	check(plain)
	check(text)
	shown = n / 2
	check(plain, store.Arrival{After: n / 4, Upto: n / 2})
	check(text)
	shown = n
	check(text, store.Arrival{After: n / 2, Upto: n})
	shown = n / 3 // another store took its place
	check(text, store.Arrival{Upto: n / 3})
}

// TestSteady: a search sees the same from its first row to its last, whatever comes in.
func TestSteady(t *testing.T) {
	records := trail(t)
	st := memoryOf(t, records)
	st.Rows = 1
	shown := int64(len(records) / 10)
	shared := &actors.Actors{Shown: func() (int64, error) { return shown, nil }}
	const text = "* | stats count by actor_chain session_id"
	o := search.Options{Text: text, Store: st, Actors: shared}
	want := rows(t, o)
	early := shared.NewSearch(st, t.Errorf)
	defer early.Close()
	if d := cmp.Diff(want, valuesOf(t, early, st)); d != "" {
		t.Fatalf("(-search +scan)\n%.2000s", d)
	}
	shown = int64(len(records))
	late := rows(t, o)
	if cmp.Equal(want, late) {
		t.Error("what came later changes nothing")
	}
	if d := cmp.Diff(want, valuesOf(t, early, st)); d != "" {
		t.Errorf("a search that began before sees what came later (-before +now)\n%.2000s", d)
	}
	if d := cmp.Diff(late, rows(t, o)); d != "" {
		t.Errorf("(-then +now)\n%s", d)
	}
}

// TestForgotten: the result says when the trail had to drop facts.
func TestForgotten(t *testing.T) {
	small := identity.NewTrail(2000)
	var f identity.Facts
	records := sessions()
	for _, raw := range records {
		if err := identity.Read(raw, &f); err != nil {
			t.Fatal(err)
		}
		small.Add(&f)
	}
	o := search.Options{Text: "* | stats count by session_id", Store: memoryOf(t, records)}
	for _, c := range []struct {
		actors *actors.Actors
		want   int
	}{{actors.Known(small, nil), 1}, {nil, 0}} {
		o.Actors = c.actors
		s, _, err := search.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(s.Notices()); strings.Count(text, "did not fit into 256 MiB") != c.want {
			t.Errorf("notices: %s", text)
		}
		s.Close()
	}
}

// blocked is a store whose scans wait for the end of their context.
type blocked struct {
	*memory.Store
	begun chan struct{}
}

func (b blocked) Prepare(q *store.Query) (store.Scan, error) {
	sc, err := b.Store.Prepare(q)
	return blockedScan{sc, b.begun}, err
}

type blockedScan struct {
	store.Scan
	begun chan struct{}
}

func (b blockedScan) Run(ctx context.Context, emit emitter) error {
	close(b.begun)
	<-ctx.Done()
	return ctx.Err()
}

// TestCancelled: a search that waits until another has read the store can be stopped.
func TestCancelled(t *testing.T) {
	shared := &actors.Actors{}
	b := blocked{memory.New(), make(chan struct{})}
	first, stop := context.WithCancel(t.Context())
	done := make(chan error)
	scan := func(ctx context.Context) error {
		in := shared.NewSearch(b, t.Errorf)
		defer in.Close()
		sc, err := in.Over(memory.New()).Prepare(query(t, "*", "actor"))
		if err != nil {
			return err
		}
		return sc.Run(ctx, discard)
	}
	go func() { done <- scan(first) }()
	<-b.begun
	second, cancel := context.WithCancel(t.Context())
	cancel()
	if err := scan(second); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting: %v", err)
	}
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, io.EOF) {
		t.Errorf("reading: %v", err)
	}
}
