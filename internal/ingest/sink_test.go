package ingest

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/source"
	"bluetrail/internal/state"
)

// counting is a sink that makes a finding of each event. Seeing an event again makes
// another one.
type counting struct {
	mu        sync.Mutex
	pending   []state.Finding
	committed int
	fail      error
}

func openCounting(*state.DB) (Sink, error) { return &counting{}, nil }

func (c *counting) Worker() SinkWorker { return c }

func (c *counting) Event(e *Event) error {
	if e.Meta.Index == "" || e.Meta.Sourcetype == "" || e.Meta.Source == "" || e.Meta.Host == "" || e.Arrival == 0 || e.Time == 0 || e.ID == [16]byte{} {
		return errors.New("a part of the event is missing")
	}
	var record struct{ Marker string }
	if err := json.Unmarshal(e.Raw, &record); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = append(c.pending, state.Finding{ID: rand.Text(), Time: e.Time, Rule: record.Marker, Entity: e.Meta.Source, Body: []byte(record.Marker)})
	return nil
}

func (c *counting) Commit(tx *state.Tx) error {
	if c.fail != nil && len(c.pending) > 0 {
		return c.fail
	}
	return tx.PutFindings(c.pending)
}

func (c *counting) Committed() {
	c.committed += len(c.pending)
	c.pending = nil
}

// seen returns how often the sink saw each event.
func seen(t *testing.T, data string) map[string]int {
	t.Helper()
	db, err := state.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := map[string]int{}
	err = db.Findings(t.Context(), state.FindingQuery{Earliest: math.MinInt64, Latest: math.MaxInt64}, func(f *state.Finding) error {
		got[f.Rule]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func checkSeen(t *testing.T, data string, want map[string]bool) {
	t.Helper()
	got := seen(t, data)
	for m := range want {
		if got[m] != 1 {
			t.Errorf("the sink saw event %s %d times", m, got[m])
		}
	}
	if len(got) != len(want) {
		t.Errorf("the sink saw %d events, want %d", len(got), len(want))
	}
}

// TestSinkBehindCheckpoint fails a commit when its rows are durable already: the next
// start shows the stored rows, with what is known of them, and not those of before.
func TestSinkBehindCheckpoint(t *testing.T) {
	dir := t.TempDir()
	trail := filepath.Join(dir, "trail")
	if err := os.Mkdir(trail, 0o700); err != nil {
		t.Fatal(err)
	}
	want := writeTrail(t, trail, 4, 50)
	o := childOptions(dir)
	o.Paths = []string{filepath.Join(trail, "*0000.json.gz")}
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	o.Paths = []string{trail}
	broken := errors.New("broken")
	o.Sink = func(*state.DB) (Sink, error) { return &counting{fail: broken}, nil }
	if _, err := Run(t.Context(), o); !errors.Is(err, broken) {
		t.Fatalf("the sink's error is lost: %v", err)
	}
	var sink *counting
	p, err := Open(t.Context(), Config{Data: o.Data, Sink: func(*state.DB) (Sink, error) { sink = &counting{}; return sink, nil }})
	if err != nil {
		t.Fatal(err)
	}
	shown := sink.committed
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if shown == 0 || shown >= len(want) {
		t.Errorf("%d of %d events were shown after the failed commit", shown, len(want))
	}
	checkSeen(t, o.Data, want)
}

// TestRepairShowsNothingAgain takes events in for a second time after a loss.
func TestRepairShowsNothingAgain(t *testing.T) {
	dir := t.TempDir()
	trail := filepath.Join(dir, "trail")
	if err := os.Mkdir(trail, 0o700); err != nil {
		t.Fatal(err)
	}
	want := writeTrail(t, trail, 4, 50)
	o := childOptions(dir)
	if _, err := Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	days, err := filepath.Glob(filepath.Join(o.Data, EventsDir, "victorialogs", "partitions", "2*"))
	if err != nil || len(days) == 0 {
		t.Fatalf("no days: %v", err)
	}
	if err := os.RemoveAll(days[0]); err != nil {
		t.Fatal(err)
	}
	rep, err := Repair(t.Context(), o)
	if err != nil || len(rep.Days) == 0 || rep.Days[0].Again == 0 {
		t.Fatalf("%+v, %v", rep, err)
	}
	check(t, dir, want)
	if again, err := Run(t.Context(), o); err != nil || again.Events != 0 {
		t.Errorf("%d events are new after the repair: %v", again.Events, err)
	}
}

// TestSinkOfRuns shows what several runs bring, each event once.
func TestSinkOfRuns(t *testing.T) {
	data := t.TempDir()
	p := openPipeline(t, Config{Data: data, batch: limits{events: 10, bytes: 1 << 30, age: time.Hour}, Sink: func(*state.DB) (Sink, error) { return &named{}, nil }})
	acks := make(chan source.Result, 3)
	for _, ended := range []<-chan error{begin(p, messages("a", 25, acks)), begin(p, messages("b", 5, acks), messages("a", 25, acks))} {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	got := seen(t, data)
	if len(got) != 30 {
		t.Errorf("the sink saw %d events, want 30: %v", len(got), got)
	}
	for id, n := range got {
		if n != 1 {
			t.Errorf("the sink saw %q %d times", id, n)
		}
	}
}

// named is a sink that notes the texts of events.
type named struct{ counting }

func (n *named) Worker() SinkWorker { return n }

func (n *named) Event(e *Event) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending = append(n.pending, state.Finding{ID: rand.Text(), Rule: strings.TrimSpace(string(e.Raw)), Body: []byte{}})
	return nil
}

// TestFindingsExpire removes old findings; the retention of all other indexes does not
// hold for them.
func TestFindingsExpire(t *testing.T) {
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		index string
		want  string
	}{{config.AnyIndex, "new,old"}, {config.FindingsIndex, "new"}} {
		data := t.TempDir()
		db, err := state.Open(data)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(func(tx *state.Tx) error {
			return tx.PutFindings([]state.Finding{
				{ID: "new", Rule: "new", Last: now.AddDate(0, 0, -9).UnixNano(), Body: []byte{}}, {ID: "old", Rule: "old", Last: now.AddDate(0, 0, -11).UnixNano(), Body: []byte{}},
			})
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		p := openPipeline(t, Config{Data: data, Retention: map[string]config.Retention{c.index: {Days: 10}}, Clock: func() time.Time { return now }})
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(slices.Sorted(maps.Keys(seen(t, data))), ","); got != c.want {
			t.Errorf("with the retention of %q %s are left, want %s", c.index, got, c.want)
		}
	}
}
