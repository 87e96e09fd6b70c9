package dir

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"bluetrail/internal/source"
	"bluetrail/internal/state"
)

// handed returns the batch of the only file that one look hands out, and reads it.
func handed(t *testing.T, w *Watch, path string, from int64, records int) *source.Batch {
	t.Helper()
	got := looks(w)
	if len(got) != 1 || got[0].Key != path {
		t.Fatalf("handed out %d files, want %q only: %+v", len(got), path, got)
	}
	if n := len(read(t, got[0])); got[0].From != from || n != records {
		t.Errorf("%q: %d records from %d on, want %d from %d on", path, n, got[0].From, records, from)
	}
	return got[0]
}

// kept returns the tail of a batch as the state has it once that is durable.
func kept(b *source.Batch, records int64) []state.Tail {
	t := *b.Tail
	t.Records = records
	return []state.Tail{t}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestTailOverRestart: what a watch that ended has read is not read again, whether
// the file grew, was renamed, or both.
func TestTailOverRestart(t *testing.T) {
	for name, renamed := range map[string]bool{"same name": false, "renamed": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.log")
			put(t, path, line(1, 9), 3*time.Hour)
			was := handed(t, open(t, dir), path, 0, 9)
			again := New(Options{Dir: dir, Tails: kept(was, 9)})
			defer again.Close()
			if renamed {
				rename(t, path, path+".1")
				path += ".1"
			}
			put(t, path, line(1, 12), 2*time.Hour)
			if b := handed(t, again, path, 9, 3); b.Stream != was.Stream {
				t.Errorf("its records are of %q, want %q", b.Stream, was.Stream)
			}
		})
	}
}

// TestRotated: a log that was renamed goes on under its new name, and the one that
// took its place is another one even if it begins with the same lines.
func TestRotated(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	w := open(t, dir)
	put(t, path, line(1, 9), 9*time.Hour)
	first := handed(t, w, path, 0, 9)
	rename(t, path, path+".1")
	put(t, path+".1", line(1, 11), 8*time.Hour)
	put(t, path, line(1, 10), 7*time.Hour)
	got := looks(w)
	if len(got) != 2 {
		t.Fatalf("handed out %d files, want both", len(got))
	}
	for _, b := range got {
		switch n := len(read(t, b)); {
		case b.Key == path && (b.From != 0 || n != 10 || b.Stream == first.Stream):
			t.Errorf("the new log: %d records from %d on, stream %q", n, b.From, b.Stream)
		case b.Key != path && (b.From != 9 || n != 2 || b.Stream != first.Stream || b.Tail.Was != path):
			t.Errorf("the old log: %d records from %d on, stream %q, was %q", n, b.From, b.Stream, b.Tail.Was)
		}
	}
	put(t, path, line(1, 12), 6*time.Hour)
	handed(t, w, path, 10, 2)
}

// TestCutOff: a log that is emptied and filled again is another one.
func TestCutOff(t *testing.T) {
	for name, empty := range map[string]bool{"seen empty": true, "not seen": false} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "a.log")
			w := open(t, dir)
			put(t, path, line(1, 9), 9*time.Hour)
			first := handed(t, w, path, 0, 9)
			if empty {
				put(t, path, "", 8*time.Hour)
				looks(w)
			}
			put(t, path, line(1, 5), 7*time.Hour)
			if b := handed(t, w, path, 0, 5); b.Stream == first.Stream {
				t.Error("its records count as those of the log before")
			}
		})
	}
}

// TestEditedInTheMidst: a file of the same size and the same ends, but with other
// content, is read from its beginning.
func TestEditedInTheMidst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	w := open(t, dir)
	put(t, path, line(1, 30), 9*time.Hour)
	first := handed(t, w, path, 0, 30)
	put(t, path, line(1, 15)+line(36, 36)+line(17, 30), 8*time.Hour)
	if b := handed(t, w, path, 0, 30); b.Stream != first.Stream {
		t.Error("its records count as those of another file")
	}
}

// TestSmallFile: a file that is shorter than what is looked at to tell its kind.
func TestSmallFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.log")
	w := open(t, dir)
	put(t, path, `{"n":1}`+"\n", 9*time.Hour)
	handed(t, w, path, 0, 1)
	put(t, path, `{"n":1}`+"\n"+`{"n":2}`+"\n", 8*time.Hour)
	handed(t, w, path, 1, 1)
}
