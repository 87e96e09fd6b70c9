package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gz(data ...[]byte) []byte {
	var b bytes.Buffer
	for _, d := range data { // several members
		w := gzip.NewWriter(&b)
		w.Write(d)
		w.Close()
	}
	return b.Bytes()
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	late := write(t, filepath.Join(dir, "a", "1_CloudTrail_us-east-1_20260102T0000Z_abcdefghijklmnop.json.gz"), nil)
	early := write(t, filepath.Join(dir, "z", "1_CloudTrail_us-east-1_20260101T0000Z_abcdefghijklmnop.json.gz"), nil)
	plain := write(t, filepath.Join(dir, "b.ndjson"), nil)
	write(t, filepath.Join(dir, "notes.txt"), nil)
	if err := os.Symlink(dir, filepath.Join(dir, "a", "loop")); err != nil {
		t.Fatal(err)
	}
	list := func(paths ...string) []string {
		t.Helper()
		found, err := List(paths)
		if err != nil || len(found.Skipped) > 0 {
			t.Fatal(found.Skipped, err)
		}
		var names []string
		for _, f := range found.Files {
			names = append(names, f.Path)
		}
		return names
	}
	if diff := cmp.Diff([]string{plain, early, late}, list(dir)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{early, late}, list(filepath.Join(dir, "**", "*.json.gz"), late)); diff != "" {
		t.Errorf("glob, and one file twice: %s", diff)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "a", "none", "x.json"): "is there",
		filepath.Join(dir, "*.nothing"):           "nothing matches",
		os.DevNull:                                "not a regular file",
		t.TempDir():                               "no event files",
	} {
		if _, err := List([]string{path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestDeliveredAt(t *testing.T) {
	want := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	for name, ok := range map[string]bool{"1_CloudTrail_us-east-1_20260102T0304Z_abc.json.gz": true, "1_CloudTrail-Insight_us-east-1_20260102T0304Z_abc.json.gz": true, "events.json": false, "1_CloudTrail_us-east-1_20269902T0304Z_abc.json.gz": false} {
		if got := DeliveredAt("/x/" + name); ok != got.Equal(want) || !ok && !got.IsZero() {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// readAll returns how many records a file gives, and its faults.
func readAll(t *testing.T, path string, lim Limits) (n int, faults []string) {
	t.Helper()
	found, err := List([]string{path})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(found.Files[0], lim, nil)
	if err != nil {
		return 0, []string{err.Error()}
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		var one *event.RecordError
		switch {
		case err == io.EOF:
			return n, faults
		case errors.As(err, &one):
			faults = append(faults, err.Error())
		case err != nil:
			return n, append(faults, err.Error())
		case rec.Kind == event.Foreign:
			faults = append(faults, "left out: "+string(rec.Raw))
		default:
			n++
		}
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	lines := []byte("{\"eventVersion\":\"1\",\"a\":1}\n{\"eventVersion\":\"1\",\"a\":2}\n")
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	packed := gz(lines)
	for name, tc := range map[string]struct {
		data   []byte
		want   int
		faults string
	}{
		"plain.json":        {lines, 2, ""},
		"gzip.json.gz":      {packed, 2, ""},
		"members.json.gz":   {gz(lines, lines), 4, ""},
		"zstd.json.zst":     {enc.EncodeAll(lines, nil), 2, ""},
		"misnamed.json":     {packed, 2, ""},
		"not-packed.gz":     {lines, 2, ""},
		"empty.json":        {nil, 0, ""},
		"half.json.gz":      {packed[:len(packed)-12], 0, "ends early"},
		"garbage-after.gz":  {append(bytes.Clone(packed), "garbage"...), 2, "fetch the file again"},
		"bad-line.ndjson":   {append([]byte("nope\n"), lines...), 2, "line 1, byte 0"},
		"bomb.json.gz":      {gz(bytes.Repeat([]byte(" "), 4<<20)), 0, "far more than its size"},
		"long-line.json.gz": {gz(append(append([]byte(`{"x":"`), bytes.Repeat([]byte("ab cd"), 1<<18)...), "\"}\n{\"y\":1}"...)), 1, "longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			lim := Limits{Limits: event.Limits{MaxRecord: 1 << 19}, MaxRatio: 200, MaxFree: 2 << 20}
			n, faults := readAll(t, write(t, filepath.Join(dir, name), tc.data), lim)
			if n != tc.want && tc.faults != "ends early" {
				t.Errorf("%d records, want %d (%q)", n, tc.want, faults)
			}
			if tc.faults == "" && len(faults) > 0 || tc.faults != "" && !strings.Contains(fmt.Sprint(faults), tc.faults) {
				t.Errorf("faults %q, want %q", faults, tc.faults)
			}
		})
	}
}

// TestListLinks: links to folders are followed, each file comes once and under
// its own name, and files whose name says nothing are told by what they begin
// with.
func TestListLinks(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out")
	own := write(t, filepath.Join(in, "z", "a.json"), []byte("{}"))
	write(t, filepath.Join(out, "b.json"), []byte("{}"))
	bare := write(t, filepath.Join(in, "object-1"), gz([]byte("{}")))
	write(t, filepath.Join(in, "photo"), []byte("\x89PNG"))
	table := write(t, filepath.Join(in, "history.csv"), []byte("Event name,Event time\nA,2026-01-01T00:00:00Z\n"))
	write(t, filepath.Join(in, "people.csv"), []byte("name,age\n"))
	write(t, filepath.Join(in, "1_CloudTrail-Digest_us-east-1_t_us-east-1_20260101T000000Z.json.gz.signature"), []byte("4a\n"))
	for name, to := range map[string]string{"a-link": filepath.Join(in, "z"), "elsewhere": out, "up": dir, "file-link": own, "gone": filepath.Join(dir, "nothing")} {
		if err := os.Symlink(to, filepath.Join(in, name)); err != nil {
			t.Fatal(err)
		}
	}
	found, err := List([]string{in, own, filepath.Join(in, "**", "*.json")})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found.Files {
		names = append(names, f.Path)
	}
	if diff := cmp.Diff([]string{filepath.Join(in, "elsewhere", "b.json"), table, bare, own}, names); diff != "" {
		t.Error(diff)
	}
	if len(found.Skipped) != 1 || filepath.Base(found.Skipped[0].Object) != "gone" {
		t.Errorf("skipped %v", found.Skipped)
	}
	if want := "2 files left out, they do not look like events (people.csv, photo)"; found.LeftOut.String() != want {
		t.Errorf("%q, want %q", found.LeftOut.String(), want)
	}
}
