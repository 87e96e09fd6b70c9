package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/search"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/store"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"
)

// events is a store of events in memory that tells their time range.
type events struct {
	*memory.Store
	first, last int64
}

func (e events) Span() (first, last int64) { return e.first, e.last }

func (events) FieldNames(context.Context) ([]string, bool) { return nil, false }

func (events) Indexes(context.Context) ([]string, error) { return []string{"aws"}, nil }

// base is when the first event happened.
var base = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// stored returns n events, one a minute, every third of them by bob.
func stored(t *testing.T, n int) store.Store {
	t.Helper()
	st := memory.New()
	for i := range n {
		who := "ann"
		if i%3 == 0 {
			who = "bob"
		}
		raw := fmt.Sprintf(`{"eventVersion":"1.08","eventID":"%08d-0000-4000-8000-000000000000","eventTime":%q,"eventName":"Get","eventSource":"s3.amazonaws.com","userName":%q,"n":%d}`,
			i, base.Add(time.Duration(i)*time.Minute).Format(time.RFC3339), who, i)
		if _, err := st.Add([]byte(raw), &event.Meta{Index: "aws"}); err != nil {
			t.Fatal(err)
		}
	}
	return events{st, base.UnixNano(), base.Add(time.Duration(n) * time.Minute).UnixNano()}
}

// jobs returns Jobs over a store.
func jobs(t *testing.T, st store.Store) *Jobs {
	t.Helper()
	c := DefaultConfig()
	c.Gate, c.Disk = NewGate(2, time.Second), spill.NewSpace(t.TempDir(), 1<<20)
	c.Options = func(a Ask, _ bool) (search.Options, []diag.Notice, error) {
		return search.Options{Earliest: a.Earliest, Latest: a.Latest, Now: a.Now, Store: st}, nil, nil
	}
	l := New(c)
	t.Cleanup(func() {
		l.Close()
		if held := l.memory.Load(); held != 0 {
			t.Errorf("jobs that are gone hold %d bytes", held)
		}
		if used := c.Disk.Used(); used != 0 {
			t.Errorf("jobs that are gone hold %d bytes of the disk", used)
		}
	})
	return l
}

// ended starts a search and waits for its end.
func ended(t *testing.T, l *Jobs, a Ask) *Job {
	t.Helper()
	j, err := l.Start(a, false)
	if err != nil {
		t.Fatal(err)
	}
	j.wait()
	return j
}

func TestEvents(t *testing.T) {
	l := jobs(t, stored(t, 300))
	j := ended(t, l, Ask{Search: "userName=bob", User: "u", MaxRows: 40})
	in := j.Info()
	if in.State != Done || in.Rows != 40 || !in.More || !j.Parts.Events || in.Share != 1 {
		t.Fatalf("%+v", in)
	}
	p, err := j.Page(t.Context(), View{Offset: 1, Count: 2, Fields: []string{"n"}})
	if err != nil || len(p.Rows) != 1 || p.Rows[0].At("n", 0).Text() != "294" || p.Total != 40 || len(p.Columns) != 1 {
		t.Errorf("the second row is not the second newest: %v %+v", err, p)
	}
	tl, err := j.Timeline(t.Context(), 10, "userName", 5)
	if err != nil || tl.Total != 100 || len(tl.Series) != 1 || tl.Span != 30*time.Minute || len(tl.Starts) != 10 {
		t.Errorf("%v %+v", err, tl)
	}
	f, err := j.Fields(t.Context(), "", 2)
	if err != nil || f.Events != 100 || f.Sampled {
		t.Errorf("%v %+v", err, f)
	}
	one, err := j.Fields(t.Context(), "n", 2)
	if err != nil || len(one.List) != 1 || one.List[0].Distinct != 100 || one.List[0].Max != 297 || len(one.List[0].Values) != 2 {
		t.Errorf("%v %+v", err, one)
	}
}

func TestTable(t *testing.T) {
	l := jobs(t, stored(t, 300))
	j := ended(t, l, Ask{Search: "index=* | sort 0 n | stats count max(n) AS top by userName | table userName count top", User: "u"})
	if in := j.Info(); in.State != Done || in.Rows != 2 || j.Parts.Events || j.Parts.Front != "search index=*" {
		t.Fatalf("%+v %+v", in, j.Parts)
	}
	for _, v := range []View{{Count: 9, Sort: []string{"-count"}}, {Count: 1, Filter: "ANN"}, {Count: 1, Filter: "username=an"}, {Count: 1, Sort: []string{"nothing", "count", "userName"}, Offset: 1}} {
		p, err := j.Page(t.Context(), v)
		if err != nil || len(p.Rows) == 0 || p.Rows[0].At("userName", 0).Text() != "ann" {
			t.Errorf("%+v: %v %+v", v, err, p)
		}
	}
	tl, err := j.Timeline(t.Context(), 5, "", 1)
	if err != nil || tl.Total != 300 {
		t.Errorf("the timeline of a table's events: %v %+v", err, tl)
	}
}

// TestPreview: a tap with a floor makes the result over the newest events.
func TestPreview(t *testing.T) {
	l := jobs(t, stored(t, 300))
	j := ended(t, l, Ask{Search: "index=* | stats count", User: "u"})
	p, err := j.previewSince(t.Context(), base.Add(250*time.Minute).UnixNano())
	if err != nil || len(p.Batches) != 1 || p.Batches[0].At("count", 0).Text() != "50" {
		t.Errorf("%v %+v", err, p)
	}
}

// TestSlices: reading slice by slice gives what reading at once does.
func TestSlices(t *testing.T) {
	st := stored(t, 5000)
	for _, text := range []string{"index=* | stats count sum(n) dc(userName)", "index=* | timechart span=1h count by userName"} {
		l := jobs(t, st)
		j := ended(t, l, Ask{Search: text, User: "u"})
		if got := j.Info().Matched; got != 5000 {
			t.Errorf("%s: %d events seen", text, got)
		}
		s, _, err := search.Open(t.Context(), search.Options{Text: text, Store: st})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := j.Info().Rows, s.Rows(); got != want || want == 0 {
			t.Errorf("%s: %d rows, want %d", text, got, want)
		}
	}
}

// TestEmptyStore: an empty store of the engine begins at 0 and ends at the least number there is.
func TestEmptyStore(t *testing.T) {
	l := jobs(t, events{memory.New(), 0, math.MinInt64 + 1})
	j, err := l.Start(Ask{Search: "index=* | timechart bins=100 count", Earliest: "-7d@h", User: "u"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if j.Info().State == Done {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	j.Cancel()
	t.Errorf("the search is %s, want done", j.Info().State)
}

func TestFaults(t *testing.T) {
	l := jobs(t, stored(t, 3))
	for text, want := range map[string]string{
		"index=* | wher x=1":                    "unknown command",
		"index=* | outputlookup x.csv":          ErrWrites.Error(),
		"| append [search * | collect index=x]": ErrWrites.Error(),
	} {
		if _, err := l.Start(Ask{Search: text, User: "u"}, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := l.Start(Ask{Search: "*", Earliest: "nonsense", User: "u"}, false); err == nil {
		t.Error("a time that is none is taken")
	}
	j := ended(t, l, Ask{Search: "| makeresults", User: "u"})
	if _, err := j.Timeline(t.Context(), 5, "", 1); err != ErrNoEvents {
		t.Error(err)
	}
	if _, err := l.Get("other", j.ID); err != ErrNone {
		t.Error("somebody else sees the job:", err)
	}
	l.Drop(j)
	if _, err := l.Get("u", j.ID); err != ErrNone {
		t.Error("a dropped job is there:", err)
	}
}

// TestSpill: rows that memory does not hold are on disk, and read from there.
func TestSpill(t *testing.T) {
	l := jobs(t, stored(t, 3000))
	l.memory.Store(allMemory)
	j := ended(t, l, Ask{Search: "index=*", User: "u"})
	if j.rows.pages == nil || j.rows.memory != 0 {
		t.Fatal("the rows are in memory")
	}
	n := 2999
	p, err := j.Page(t.Context(), View{Count: 3000})
	for _, b := range p.Rows {
		for i := range b.Len {
			if got := b.At("n", i).Text(); got != fmt.Sprint(n) {
				t.Fatalf("row %s, want %d", got, n)
			}
			n--
		}
	}
	if err != nil || n != -1 {
		t.Error(n, err)
	}
	l.memory.Add(-allMemory)
}

// TestGate: short searches go before long ones, users take turns, and a long one
// comes in again.
func TestGate(t *testing.T) {
	g := NewGate(2, 0) // everything is long at once
	ctx := t.Context()
	a, err := g.enter(ctx, "ann")
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.enter(ctx, "ann")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.check(ctx); err != nil { // nobody waits
		t.Fatal(err)
	}
	var order []string
	var mu sync.Mutex
	var gone sync.WaitGroup
	for i, who := range []string{"ann", "ann", "bob"} {
		gone.Go(func() {
			c, err := g.enter(ctx, who)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, who)
			mu.Unlock()
			c.leave()
		})
		for len(g.queue()) <= i {
			time.Sleep(time.Millisecond)
		}
	}
	if err := b.check(ctx); err != nil { // makes place, and comes back
		t.Fatal(err)
	}
	gone.Wait()
	if order[0] != "bob" {
		t.Errorf("in came %v", order)
	}
	a.leave()
	b.leave()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	full := []*turn{}
	for range 2 {
		x, err := g.enter(ctx, "x")
		if err != nil {
			t.Fatal(err)
		}
		full = append(full, x)
	}
	if _, err := g.enter(cancelled, "y"); err == nil || len(g.queue()) != 0 {
		t.Error("who gave up still waits:", err)
	}
	for _, x := range full {
		x.leave()
	}
}

func (g *Gate) queue() []*turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.waiting
}

func TestCancel(t *testing.T) {
	l := jobs(t, stored(t, 3))
	a, err := l.gate.enter(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.gate.enter(t.Context(), "x")
	if err != nil {
		t.Fatal(err)
	}
	j, err := l.Start(Ask{Search: "*", User: "u"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if in := j.Info(); in.State != Queued {
		t.Errorf("%+v", in)
	}
	j.Cancel()
	j.wait()
	if in := j.Info(); in.State != Cancelled || in.Err != errUser {
		t.Errorf("%+v", in)
	}
	a.leave()
	b.leave()
}

// TestWriting: a search that writes is not cut where its rows are, and is done once
// what it wrote is stored.
func TestWriting(t *testing.T) {
	l := jobs(t, stored(t, 300))
	var got collected
	var broken error
	options := l.cfg.Options
	l.cfg.Options = func(a Ask, write bool) (search.Options, []diag.Notice, error) {
		o, n, err := options(a, write)
		o.Collector = &got
		return o, n, err
	}
	l.cfg.Wrote = func(_ *search.Options, err error) error {
		for _, j := range l.List("") {
			if j.Info().State != Running {
				t.Errorf("%s before what it wrote is stored", j.Info().State)
			}
		}
		return errors.Join(err, broken)
	}
	for _, broken = range []error{nil, errors.New("the disk is full")} {
		got.n.Store(0)
		j, err := l.Start(Ask{Search: "index=aws | collect index=copy", MaxRows: 10}, true)
		if err != nil {
			t.Fatal(err)
		}
		j.wait()
		in := j.Info()
		if got.n.Load() != 300 || in.Rows != 10 || !in.More || (in.State == Failed) != (broken != nil) {
			t.Errorf("%d events collected; %+v", got.n.Load(), in)
		}
		l.Drop(j)
		got.n.Store(0)
		err = l.Once(t.Context(), Ask{Search: "index=aws | collect index=copy"}, true, func(*search.Search) error { return io.EOF })
		if got.n.Load() != 300 || !errors.Is(err, broken) {
			t.Errorf("%d events collected for who wants no rows: %v, want %v", got.n.Load(), err, broken)
		}
	}
}

type collected struct{ n atomic.Int64 }

func (c *collected) Collect(exec.Collected) error { c.n.Add(1); return nil }

// TestDropped: rows that are gone do not look like the end of the rows.
func TestDropped(t *testing.T) {
	l := jobs(t, stored(t, 10))
	j := ended(t, l, Ask{Search: "index=aws"})
	l.Drop(j)
	l.Close()
	if err := j.Each(0, func(int, *vector.Batch) error { return nil }); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}
