package state

import (
	"path/filepath"
	"testing"

	"bluetrail/internal/diag"

	"github.com/google/go-cmp/cmp"
)

func open(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestCommitLasts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "odd name%20?#")
	db := open(t, dir)
	if c, err := db.Checkpoint(); err != nil || c != (Checkpoint{}) {
		t.Fatalf("a new state has the checkpoint %+v: %v", c, err)
	}
	want := Checkpoint{Batch: 1_700_000_000_123, Seq: 42, Events: 41, Running: true}
	file := File{Path: "/a", Size: 10, Changed: 20, Records: 30, Done: true}
	if err := db.Commit(want, []File{file}, nil, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	db.Close()
	db = open(t, dir)
	if got, err := db.Checkpoint(); err != nil || got != want {
		t.Errorf("checkpoint %+v, want %+v: %v", got, want, err)
	}
	if got, ok, err := db.File("/a"); err != nil || !ok || got != file {
		t.Errorf("file %+v, want %+v: %v", got, file, err)
	}
	if _, ok, err := db.File("/b"); err != nil || ok {
		t.Errorf("a file that was never seen is known: %v", err)
	}
	if n, err := db.Files(); err != nil || n != 1 {
		t.Errorf("%d files, want 1: %v", n, err)
	}
}

func TestProblems(t *testing.T) {
	db := open(t, t.TempDir())
	commit := func(files []File, problems ...diag.Notice) {
		t.Helper()
		if err := db.Commit(Checkpoint{}, files, problems, nil, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	a1, a2, b := diag.Notice{Level: diag.Problem, Object: "/a", Place: 1, Text: "one"}, diag.Notice{Level: diag.Problem, Object: "/a", Place: 2, Text: "two"}, diag.Unreadable("/b", "all")
	commit([]File{{Path: "/a", Again: true}}, a1)
	commit([]File{{Path: "/a", Done: true}, {Path: "/b", Again: true}}, a2, b)
	list, total, err := db.Problems(2)
	if diff := cmp.Diff([]diag.Notice{a1, a2}, list); diff != "" || total != 3 || err != nil {
		t.Errorf("%d problems, %v (-want +got):\n%s", total, err, diff)
	}
	a1.Text = "again"
	commit([]File{{Path: "/a", Again: true}}, a1)
	commit([]File{{Path: "/b", Again: true, Done: true}})
	list, total, err = db.Problems(10)
	if diff := cmp.Diff([]diag.Notice{a1}, list); diff != "" || total != 1 || err != nil {
		t.Errorf("%d problems after another reading, %v (-want +got):\n%s", total, err, diff)
	}
}
