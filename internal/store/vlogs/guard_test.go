package vlogs

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/tally"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/logger"
)

// spoil damages in place a file that an open store has memory-mapped.
func spoil(t *testing.T, path, how string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	switch how {
	case "overwrite", "zero":
		fill := byte(0xff)
		if how == "zero" {
			fill = 0
		}
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Write(bytes.Repeat([]byte{fill}, int(info.Size())))
		if err = errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	case "cut":
		if err := os.Truncate(path, info.Size()/2); err != nil {
			t.Fatal(err)
		}
	case "delete":
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDamageWhileOpen damages a file of an open store. A search either answers
// as before or ends with an error that names the day, and so does every later
// search until the next start. Other days stay searchable, and the process goes
// on.
func TestDamageWhileOpen(t *testing.T) {
	dir, st := smallStore(t)
	partition := st.partition(dayOf(2026, 1, 6))
	var files []string
	err := filepath.WalkDir(partition, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && d.Name() != "parts.json" {
			rel, _ := filepath.Rel(dir, path)
			files = append(files, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for _, rel := range files {
		for _, how := range []string{"overwrite", "zero", "cut", "delete"} {
			t.Run(how+" "+filepath.Base(rel), func(t *testing.T) {
				if damagedWhileOpen(t, dir, rel, how) {
					failed++
				}
			})
		}
	}
	if failed == 0 {
		t.Error("no damage was met")
	}
}

// damagedWhileOpen reports whether a search met the damage.
func damagedWhileOpen(t *testing.T, dir, rel, how string) (met bool) {
	to := filepath.Join(t.TempDir(), "store")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	st := openStore(t, to)
	defer st.Close()
	q := store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("n"), Earliest: store.Beginning, Latest: store.End}
	st.Show(1) // as a server does
	run := func() error {
		sc, err := st.Prepare(&q)
		if err != nil {
			t.Fatal(err)
		}
		var rows atomic.Int64
		err = sc.Run(t.Context(), func(_ int, b *vector.Batch) error { rows.Add(int64(b.Len)); return nil })
		if err == nil && rows.Load() != 30 {
			t.Errorf("a search ended well with %d of 30 rows", rows.Load())
		}
		return err
	}
	if how == "overwrite" || how == "zero" { // part of it is in memory by now
		if err := run(); err != nil {
			t.Fatal(err)
		}
	}
	spoil(t, filepath.Join(to, rel), how)
	for range 3 {
		for _, q.Fields = range []filter.FieldSet{filter.Fields("n"), filter.AllFields()} {
			if err := run(); err != nil {
				met = true
				if !strings.Contains(err.Error(), "2026-01-06") {
					t.Errorf("the error does not name the day: %v", err)
				}
			} else if met {
				t.Error("a search of a damaged day ended well")
			}
		}
	}
	q.Latest = dayOf(2026, 1, 6).Start()
	if got := answer(t, st, q); len(got) != 10 {
		t.Errorf("another day has %d events", len(got))
	}
	if !met {
		return false
	}
	select {
	case d := <-st.Met():
		if d.Day != dayOf(2026, 1, 6) || d.Rows != 10 {
			t.Errorf("%+v", d)
		}
	default:
		t.Error("the damage is not reported")
	}
	if _, err := os.Stat(filepath.Join(to, crashFile)); err != nil {
		t.Errorf("the next start would not check the store: %v", err)
	}
	return true
}

// TestQueryPanics: an engine panic ends only its own query, whichever goroutine
// it happens in, and the engine can still log.
func TestQueryPanics(t *testing.T) {
	_, st := smallStore(t)
	defer st.Close()
	q, err := logstorage.ParseQuery("*")
	if err != nil {
		t.Fatal(err)
	}
	q.AddTimeFilter(dayOf(2026, 1, 5).Start(), dayOf(2026, 1, 6).Start()-1)
	for _, own := range []bool{true, false} {
		err := st.query(t.Context(), tenants, q, func(*logstorage.QueryContext) error {
			if own {
				logger.Panicf("FATAL: it is broken")
			}
			done := make(chan bool)
			go func() {
				defer close(done)
				logger.Panicf("FATAL: it is broken")
			}()
			<-done
			return nil
		})
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Reason != "it is broken" || damage.Days != nil {
			t.Error(err)
		}
	}
	var none []int
	err = st.query(t.Context(), tenants, q, func(*logstorage.QueryContext) error { none[0]++; return nil })
	if err == nil || !strings.Contains(err.Error(), "panic: runtime error") {
		t.Error(err)
	}
	if err := st.damagedBetween(0, tally.DayOf(store.End).Start()); err != nil {
		t.Error(err)
	}
	all := store.Query{Filter: &filter.Everything{}, Fields: filter.AllFields(), Earliest: store.Beginning, Latest: store.End}
	if got := answer(t, st, all); len(got) != 30 {
		t.Errorf("%d events", len(got))
	}
}

// TestDamageMetByMerge: a merge that meets damage ends alone, and its day is no
// longer searched.
func TestDamageMetByMerge(t *testing.T) {
	dir, st := smallStore(t)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	st = openStore(t, dir)
	defer st.Close()
	files, err := filepath.Glob(filepath.Join(st.partition(dayOf(2026, 1, 6)), "datadb", "*", "values.bin0"))
	if err != nil || len(files) == 0 {
		t.Fatal("no file of values", err)
	}
	w := st.NewWriter() // a second part, so that there is something to merge
	if err := w.Add(&Record{Raw: []byte(`{"n":1}`), Meta: &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}, Time: dayOf(2026, 1, 6).Start(), Timed: true, Batch: 2, Seq: 99, ID: [16]byte{99}}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Flush(), st.Sync()); err != nil {
		t.Fatal(err)
	}
	w.Close()
	spoil(t, files[0], "cut")
	for range 2 * cap(mergingBig) { // each would use up a slot if it were not released
		st.Merge()
	}
	if d := <-st.Met(); d.Day != dayOf(2026, 1, 6) {
		t.Errorf("%+v", d)
	}
	q := store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("n"), Earliest: dayOf(2026, 1, 7).Start(), Latest: store.End}
	if got := answer(t, st, q); len(got) != 10 {
		t.Errorf("another day has %d events", len(got))
	}
	if err := st.RemoveIndex(t.Context(), dayOf(2026, 1, 6), "aws", dayOf(2026, 1, 7)); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("rows of a damaged day were removed: %v", err)
	}
}
