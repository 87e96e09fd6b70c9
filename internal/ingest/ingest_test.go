package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/generate"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/vector"

	"github.com/google/go-cmp/cmp"
)

var ctx = context.Background()

// trail writes the events of some hours around a midnight, cut into packed files
// that come out of order, and returns its folder and its eventIDs, sorted.
func trail(t testing.TB) (dir string, ids []string) {
	t.Helper()
	dir = t.TempDir()
	cfg := generate.Default()
	cfg.Events, cfg.End = 15_000, time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	midnight := time.Date(2026, 1, 15, 0, 0, 0, 0, time.UTC)
	var lines []string
	err := generate.Stream(ctx, cfg, func(raw []byte, at time.Time) error {
		if at.Sub(midnight).Abs() < 9*time.Hour {
			lines = append(lines, string(raw))
			ids = append(ids, eventID(t, raw))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(lines) < 500 {
		t.Fatalf("only %d events to test with", len(lines))
	}
	const perFile = 41
	for i := 0; i < len(lines); i += perFile {
		part := lines[i:min(i+perFile, len(lines))]
		text := strings.Join(part, "\n")
		if i%2 == 0 {
			text = `{"Records":[` + strings.Join(part, ",") + `]}`
		}
		name := fmt.Sprintf("part%03d.json", (i*7)%1000)
		write(t, filepath.Join(dir, name+".gz"), packed(t, text))
	}
	slices.Sort(ids)
	return dir, ids
}

func eventID(t testing.TB, raw []byte) (id string) {
	t.Helper()
	x := event.NewExtractor([]string{"eventID"})
	row := x.NewRow()
	if err := x.Extract(raw, &event.Meta{}, row); err != nil {
		t.Fatal(err)
	}
	return strings.Clone(row.Cell(0).Text)
}

func packed(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// values returns the values of a field of all stored events, sorted; missing
// ones are "-".
func values(t testing.TB, data, field string) (list []string) {
	t.Helper()
	st, err := vlogs.Open(filepath.Join(data, EventsDir), vlogs.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	sc, err := st.Prepare(&store.Query{Filter: &filter.Everything{}, Fields: filter.Fields(field), Earliest: store.Beginning, Latest: store.End})
	if err != nil {
		t.Fatal(err)
	}
	got := make([][]string, sc.Workers())
	err = sc.Run(ctx, func(w int, b *vector.Batch) error {
		for i := range b.Len {
			v := b.At(field, i)
			text := strings.Clone(v.Text())
			if v.IsNull() {
				text = "-"
			}
			got[w] = append(got[w], text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	list = slices.Concat(got...)
	slices.Sort(list)
	return list
}

func ingest(t testing.TB, o Options) Summary {
	t.Helper()
	sum, err := Run(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func TestEveryEventOnce(t *testing.T) {
	dir, ids := trail(t)
	o := Options{Data: t.TempDir(), Paths: []string{dir}, batch: limits{events: 200, bytes: 1 << 30, age: time.Hour}}
	sum := ingest(t, o)
	if sum.Events != len(ids) || sum.Duplicates != 0 || sum.SkippedTotal != 0 {
		t.Errorf("first run: %+v, want %d events", sum, len(ids))
	}
	if diff := cmp.Diff(ids, values(t, o.Data, "eventID")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	again := ingest(t, o)
	if again.Events != 0 || again.Files != 0 || again.FilesDone != sum.Files {
		t.Errorf("second run: %+v, want %d files passed over", again, sum.Files)
	}
	moved := t.TempDir()
	if err := os.CopyFS(moved, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	o.Paths = []string{moved}
	if third := ingest(t, o); third.Events != 0 || third.Duplicates != len(ids) {
		t.Errorf("run over copies: %+v, want %d duplicates", third, len(ids))
	}
	if got := len(values(t, o.Data, "eventID")); got != len(ids) {
		t.Errorf("%d events stored, want %d", got, len(ids))
	}
}

func TestGrownFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ndjson")
	line := func(n int) string {
		return fmt.Sprintf(`{"eventVersion":"1.08","eventID":"e%d","eventTime":"2026-01-05T10:00:00Z","eventName":"A"}`+"\n", n)
	}
	anonymous := `{"n":1}` + "\n"
	write(t, path, line(1)+anonymous+line(2)+anonymous)
	o := Options{Data: t.TempDir(), Paths: []string{path}}
	if sum := ingest(t, o); sum.Events != 4 {
		t.Fatalf("%+v, want 4 events: alike ones without eventID are two", sum)
	}
	write(t, path, line(1)+anonymous+line(2)+anonymous+line(3))
	if sum := ingest(t, o); sum.Events != 1 || sum.Duplicates != 4 {
		t.Errorf("grown: %+v, want 1 new event", sum)
	}
	if diff := cmp.Diff([]string{"-", "-", "e1", "e2", "e3"}, values(t, o.Data, "eventID")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestQuarantine(t *testing.T) {
	dir := t.TempDir()
	good := `{"eventVersion":"1.08","eventID":"g","eventTime":"2026-01-05T10:00:00Z","eventName":"A"}`
	half := packed(t, strings.Repeat(strings.Replace(good, `"g"`, `"h"`, 1)+"\n", 5))
	write(t, filepath.Join(dir, "good.json"), good)
	write(t, filepath.Join(dir, "half.json.gz"), half[:len(half)-12])
	write(t, filepath.Join(dir, "not.json"), "this is\nno JSON\n")
	write(t, filepath.Join(dir, "mixed.ndjson"), strings.Replace(good, `"g"`, `"m1"`, 1)+"\n{broken\n"+strings.Replace(good, `"g"`, `"m2"`, 1)+"\n")
	write(t, filepath.Join(dir, "empty.json"), "")
	write(t, filepath.Join(dir, "deep.json"), `{"a":`+strings.Repeat("[", 100_000)+strings.Repeat("]", 100_000)+"}")
	o := Options{Data: t.TempDir(), Paths: []string{dir}}
	sum := ingest(t, o)
	if diff := cmp.Diff([]string{"g", "h", "m1", "m2"}, values(t, o.Data, "eventID")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
	for _, name := range []string{"half.json.gz", "not.json", "mixed.ndjson", "deep.json"} {
		if !slices.ContainsFunc(sum.Skipped, func(s diag.Notice) bool { return filepath.Base(s.Object) == name && s.Text != "" }) {
			t.Errorf("nothing is said of %s in %+v", name, sum.Skipped)
		}
	}
	db, err := state.Open(o.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	problems, total, err := db.Problems(2)
	if err != nil || total != sum.SkippedTotal || len(problems) != 2 {
		t.Errorf("quarantine gives %d of %d problems, want 2 of %d: %v", len(problems), total, sum.SkippedTotal, err)
	}
}

func TestCancelKeepsWhatWasRead(t *testing.T) {
	dir, ids := trail(t)
	o := Options{Data: t.TempDir(), Paths: []string{dir}, Workers: 1}
	stopping, cancel := context.WithCancel(ctx)
	o.Progress = &Meter{}
	go func() {
		for done := int64(0); done < 50_000; done, _ = o.Progress.Bytes() {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	first, err := Run(stopping, o)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want that of the context", err)
	}
	o.Progress = nil
	second := ingest(t, o)
	if first.Events+second.Events != len(ids) || second.Duplicates != 0 {
		t.Errorf("%d and then %d events and %d duplicates, want %d in all", first.Events, second.Events, second.Duplicates, len(ids))
	}
	if diff := cmp.Diff(ids, values(t, o.Data, "eventID")); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}
