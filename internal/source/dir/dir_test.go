package dir

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"bluetrail/internal/source"
)

// read reads a batch to its end, acknowledges it and returns its records.
func read(t *testing.T, b *source.Batch) (records []string) {
	t.Helper()
	var n atomic.Int64
	r, err := b.Open(&n)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(rec.Raw))
	}
	if b.Ack != nil {
		b.Ack(source.Result{Done: true, Records: b.From + int64(len(records))})
	}
	return records
}

// line returns records n to m, one a line.
func line(n, m int) string {
	var b strings.Builder
	for ; n <= m; n++ {
		fmt.Fprintf(&b, `{"n":%d,"pad":%q}`+"\n", n, strings.Repeat("x", 900))
	}
	return b.String()
}

// put writes a file as it was an hour ago and more, so that it is settled;
// each write has a time of its own.
func put(t *testing.T, path, text string, age time.Duration) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-age)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// looks returns the batches that one look through the folder queues.
func looks(w *Watch) []*source.Batch {
	w.queue = nil
	w.look()
	return w.queue
}

func open(t *testing.T, dir string) *Watch {
	t.Helper()
	w := New(Options{Dir: dir})
	t.Cleanup(w.Close)
	return w
}

func TestGrowingFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ndjson")
	w := open(t, dir)
	put(t, path, line(1, 10), 3*time.Hour)
	got := looks(w)
	if len(got) != 1 || len(read(t, got[0])) != 10 {
		t.Fatal("the file is not handed out")
	}
	if got := looks(w); len(got) != 0 {
		t.Fatal("an unchanged file is handed out again")
	}
	put(t, path, line(1, 15), 2*time.Hour)
	got = looks(w)
	if len(got) != 1 || got[0].From != 10 {
		t.Fatalf("a grown file is not read on from where it was: %+v", got)
	}
	if rs := read(t, got[0]); len(rs) != 5 || !strings.Contains(rs[0], `"n":11,`) {
		t.Errorf("records %.40q", rs)
	}
	put(t, path, line(100, 130), time.Hour) // another file of the same name
	got = looks(w)
	if len(got) != 1 || got[0].From != 0 || len(read(t, got[0])) != 31 {
		t.Errorf("a file that was replaced is not read from its beginning: %+v", got)
	}
}

// TestHalfWritten: a file that was just written is left alone; one that keeps
// changing is read up to its last whole line.
func TestHalfWritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ndjson")
	w := open(t, dir)
	half := line(1, 3)
	half = half[:len(half)-5]
	put(t, path, half, -time.Minute)
	packed := filepath.Join(dir, "b.json.gz")
	put(t, packed, "half", -time.Minute)
	if got := looks(w); len(got) != 0 {
		t.Fatal("files that are being written are handed out")
	}
	for p := range w.first {
		w.first[p] = time.Now().Add(-patience)
	}
	at := time.Now()
	for _, p := range []string{path, packed} {
		if err := os.Chtimes(p, at, at); err != nil {
			t.Fatal(err)
		}
	}
	got := looks(w)
	if len(got) != 1 || got[0].Key != path || len(read(t, got[0])) != 2 {
		t.Fatalf("not the whole lines of the growing file: %+v", got)
	}
	put(t, path, line(1, 3), time.Hour)
	got = looks(w)
	if len(got) != 1 || got[0].From != 2 {
		t.Fatalf("%+v", got)
	}
	if rs := read(t, got[0]); len(rs) != 1 || !strings.Contains(rs[0], `"n":3,`) {
		t.Errorf("records %.40q", rs)
	}
}

// TestWatch finds files that come while it waits, in folders that come, too.
func TestWatch(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	var said []error
	w := New(Options{Dir: dir, poll: 10 * time.Millisecond, settle: time.Millisecond, Problem: func(err error) { said = append(said, err) }})
	defer w.Close()
	go func() {
		below := filepath.Join(dir, "b")
		if err := os.MkdirAll(below, 0o700); err != nil {
			t.Error(err)
		}
		put(t, filepath.Join(below, "a.json"), `{"Records":[{"eventVersion":"1","n":1},{"eventVersion":"1","n":2}]}`, time.Hour)
	}()
	b, err := w.Next(t.Context())
	if err != nil || len(read(t, b)) != 2 {
		t.Fatal(err)
	}
	if len(said) > 0 && said[0] == nil {
		t.Error("it said that nothing is wrong first")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := w.Next(stopped); err == nil {
		t.Error("Next goes on when its context ended")
	}
}
