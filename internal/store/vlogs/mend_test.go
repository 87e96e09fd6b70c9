package vlogs

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
)

const theEvent = `{"eventVersion":"1.08","eventID":"one","eventTime":"2026-01-05T10:00:00Z","eventName":"A"}`

// oneEvent durably stores one event in a new store and closes it.
func oneEvent(t *testing.T, dir string) {
	t.Helper()
	st, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(theEvent)
	ns, _ := event.TimeOf(raw)
	w := st.NewWriter()
	if err := w.Add(&Record{Raw: raw, Meta: &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}, Time: ns, Timed: true, Batch: 7, Given: true}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	w.Close()
	if err := st.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpensAfterACrash(t *testing.T) {
	dir := t.TempDir()
	oneEvent(t, dir)
	partitions := filepath.Join(dir, "victorialogs", "partitions")
	left := filepath.Join(partitions, "20260105", "snapshots", "20260105000000-0000000000000000", "datadb")
	for _, d := range []string{"20260104", "20260106/datadb", "20260107/indexdb"} {
		if err := os.MkdirAll(filepath.Join(partitions, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(left, 0o755); err != nil {
		t.Fatal(err)
	}
	st, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	got := answer(t, st, store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("eventID"), Earliest: store.Beginning, Latest: store.End})
	if len(got) != 1 {
		t.Errorf("rows %q, want the one event", got)
	}
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("a snapshot was left: %v", err)
	}
}

func TestOneProcessOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, Options{ReadOnly: true}); err == nil {
		t.Error("a store that is not there was opened for searches")
	}
	st, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "in use by process") {
		t.Errorf("error %v, want one that names the process", err)
	}
}

func TestSinceFindsBatches(t *testing.T) {
	dir := t.TempDir()
	oneEvent(t, dir)
	st, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	for batch, want := range map[int64]int{6: 1, 7: 0} {
		found := 0
		if err := st.Since(ctx, batch, func(s Stored) {
			found++
			if id, _ := event.ID([]byte(theEvent)); s.ID != id || s.Batch != 7 {
				t.Errorf("found %+v", s)
			}
		}); err != nil || found != want {
			t.Errorf("since %d: %d events, %v; want %d", batch, found, err, want)
		}
	}
}

func TestOtherFormat(t *testing.T) {
	dir := t.TempDir()
	oneEvent(t, dir)
	for _, change := range []func(path string) error{
		func(path string) error { return os.WriteFile(path, []byte("99\n"), 0o600) },
		os.Remove,
	} {
		if err := change(filepath.Join(dir, formatFile)); err != nil {
			t.Fatal(err)
		}
		if st, err := Open(dir, Options{ReadOnly: true}); err == nil || !strings.Contains(err.Error(), "format") {
			t.Errorf("rows of another format were opened: %v, %v", st, err)
		}
	}
}
