package vlogs

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/event"
)

// TestRebuildColumns damages the list of columns. The next open for writing
// rebuilds it from the engine's names and can learn new names again.
func TestRebuildColumns(t *testing.T) {
	dir := t.TempDir()
	st, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 5, 8, 0, 0, 0, time.UTC)
	w := st.NewWriter()
	for i := range 40 {
		name := []string{"GetObject", "Put\"Ob,ject}", "", "List=Objects"}[i%4]
		raw := fmt.Sprintf(`{"eventVersion":"1.08","eventTime":%q,"eventSource":"s3.amazonaws.com","eventName":%q,"requestParameters":{"p%d":"v"},"q":{"tags":{"t%d":"v"}}}`, at.Format(time.RFC3339), name, i, i)
		r := Record{Raw: []byte(raw), Meta: &event.Meta{Index: "aws", Sourcetype: event.CloudTrail}, Time: at.UnixNano(), Timed: true, Batch: 1, Seq: uint64(i), ID: [16]byte{byte(i)}}
		if err := w.Add(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	if err := st.Sync(); err != nil {
		t.Fatal(err)
	}
	names := func(s *columnSet) map[string]int {
		all := map[string]int{}
		for key, st := range s.streams {
			if len(st.known) > 0 {
				all[fmt.Sprintf("%q", key)] = len(st.known)
			}
		}
		return all
	}
	want := names(st.columns)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	if len(want) != 3 {
		t.Fatalf("the store has columns of %v", want)
	}
	path := filepath.Join(dir, columnsFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(good)
	flipped[len(good)/2] ^= 1
	last := bytes.Clone(good)
	last[len(good)-9] ^= 1
	lines := bytes.SplitAfter(bytes.TrimSuffix(good, []byte("\n")), []byte("\n"))
	begun, err := appendColumnsLine(nil, columnsLine{Begun: true})
	if err != nil {
		t.Fatal(err)
	}
	old := bytes.Join(append([][]byte{begun}, lines[1:len(lines)-1]...), nil) // the format before lines were counted
	damages := map[string][]byte{"flipped": flipped, "last line flipped": last, "cut": good[:len(good)/2], "old": old, "empty": nil, "missing": nil}
	for n := range len(lines) {
		damages[fmt.Sprintf("cut after %d lines", n)] = bytes.Join(lines[:n], nil)
	}
	damages["a line is missing"] = bytes.Join(slices.Delete(slices.Clone(lines), 1, 2), nil)
	for name, data := range damages {
		err := os.WriteFile(path, data, 0o600)
		if name == "missing" {
			err = os.Remove(path)
		}
		if err != nil {
			t.Fatal(err)
		}
		st, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(name, err)
		}
		if got := names(st.columns); !maps.Equal(got, want) || st.columns.frozen {
			t.Errorf("%s: frozen=%v, the columns are %v, want %v", name, st.columns.frozen, got, want)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := openColumns(dir, true)
		if err != nil || !maps.Equal(names(again), want) || again.frozen || again.doubted || again.old {
			t.Errorf("%s: frozen=%v, the file has the columns %v (%v)", name, again.frozen, names(again), err)
		}
	}
}
