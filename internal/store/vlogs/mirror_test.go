package vlogs

import (
	"os"
	"path/filepath"
	"testing"

	"bluetrail/internal/filter"
	"bluetrail/internal/store"
)

// TestMirror searches a store that cannot be written to, and checks that
// nothing in it changes. It requests the mirror explicitly, since root may
// write anywhere.
func TestMirror(t *testing.T) {
	dir := t.TempDir()
	oneEvent(t, dir)
	t.Setenv("TMPDIR", t.TempDir())
	before := tree(t, dir)
	st, err := Open(dir, Options{ReadOnly: true, Mirror: true})
	if err != nil {
		t.Fatal(err)
	}
	got := answer(t, st, store.Query{Filter: &filter.Everything{}, Fields: filter.Fields("eventID"), Earliest: store.Beginning, Latest: store.End})
	if len(got) != 1 || len(st.Damaged()) != 0 {
		t.Errorf("rows %q, want the one event; damaged are %v", got, st.Damaged())
	}
	st.Merge()
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("the store changed from\n%s\nto\n%s", before, after)
	}
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// tree lists the files below a folder with their sizes and times.
func tree(t *testing.T, dir string) (list string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			list += path + " " + info.ModTime().String() + "\n"
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
