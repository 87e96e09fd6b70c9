package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// write writes files, by their paths with slashes, all with the same time.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	at := time.Unix(1_700_000_000, 123)
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	part  = "events/victorialogs/partitions/20260101/datadb/1/values.bin"
	parts = "events/victorialogs/partitions/20260101/datadb/parts.json"
)

// twice makes two backups of a directory, a second apart.
func twice(t *testing.T) (dir, from string, heads [2]Head) {
	t.Helper()
	dir, from = filepath.Join(t.TempDir(), "b*[x]"), t.TempDir()
	write(t, from, map[string]string{part: "values", parts: `["1"]`, "ids/2026-01-01.log": "log", "rules/own.yml": "a: b"})
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	now := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	for i := range heads {
		f.now = func() time.Time { return now.Add(time.Duration(i) * time.Second) }
		m, err := f.Begin("/data")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.StatePath(), fmt.Appendf(nil, "state %d", i), 0o600); err != nil {
			t.Fatal(err)
		}
		if heads[i], err = m.Finish(t.Context(), from, Head{Program: "v1", Data: "/data", Events: 7}, &Meter{}); err != nil {
			t.Fatal(err)
		}
	}
	return dir, from, heads
}

func TestBackup(t *testing.T) {
	dir, from, heads := twice(t)
	if heads[0].Linked != 0 || heads[1].Linked != int64(len("values")) || heads[1].Files != 5 || heads[1].Name != "20260301T040001Z" {
		t.Errorf("%+v", heads)
	}
	names, err := Names(dir)
	if want := []string{heads[0].Name, heads[1].Name}; err != nil || !slices.Equal(names, want) {
		t.Fatal(names, err)
	}
	good, bad, err := Verify(t.Context(), dir, names, &Meter{})
	if len(good) != 2 || len(bad) != 0 || err != nil {
		t.Fatal(good, bad, err)
	}
	for i, name := range names {
		path, err := Find(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "new")
		if err := Restore(t.Context(), path, to, &Meter{}); err != nil {
			t.Fatal(err)
		}
		for _, rel := range []string{part, parts, "ids/2026-01-01.log", "rules/own.yml"} {
			want, err1 := os.Stat(filepath.Join(from, rel))
			got, err2 := os.Stat(filepath.Join(to, rel))
			text, err3 := os.ReadFile(filepath.Join(to, rel))
			was, err4 := os.ReadFile(filepath.Join(from, rel))
			if err1 != nil || err2 != nil || err3 != nil || err4 != nil || string(text) != string(was) || !got.ModTime().Equal(want.ModTime()) || got.Mode().Perm() != 0o600 {
				t.Errorf("%s: %q, %v %v %v %v", rel, text, err1, err2, err3, err4)
			}
		}
		if text, err := os.ReadFile(filepath.Join(to, StateFile)); string(text) != fmt.Sprintf("state %d", i) || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		if left, err := os.ReadDir(to); len(left) != 4 || err != nil {
			t.Errorf("%v, %v", left, err)
		}
		if err := Restore(t.Context(), path, to, &Meter{}); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("restored over data: %v", err)
		}
	}
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "under way") {
		t.Errorf("two backups at once: %v", err)
	}
	if _, err := f.Begin("/other"); err == nil || !strings.Contains(err.Error(), `holds backups of "/data"`) {
		t.Errorf("another data directory: %v", err)
	}
	if removed, err := f.Prune(1); !slices.Equal(removed, names[:1]) || err != nil {
		t.Error(removed, err)
	}
	if good, bad, err := Verify(t.Context(), dir, names[1:], &Meter{}); len(good) != 1 || len(bad) != 0 || err != nil {
		t.Error("after the other one was removed", good, bad, err)
	}
}

// TestDamage: each kind of damage is found, and nothing of it is restored.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name, want string
		backups    int // that it shows in
		damage     func(backup string) error
	}{
		{"flipped", part, 2, func(b string) error { // both are one file
			f, err := os.OpenFile(filepath.Join(b, dataDir, part), os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.WriteAt([]byte("V"), 0)
			return err
		}},
		{"cut", StateFile, 1, func(b string) error { return os.Truncate(filepath.Join(b, dataDir, StateFile), 3) }},
		{"gone", parts, 1, func(b string) error { return os.Remove(filepath.Join(b, dataDir, parts)) }},
		{"manifest", manifestFile, 1, func(b string) error {
			path := filepath.Join(b, manifestFile)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Replace(string(text), `"events": 7`, `"events": 8`, 1)), 0o600)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, _, heads := twice(t)
			path := filepath.Join(dir, heads[1].Name)
			if err := c.damage(path); err != nil {
				t.Fatal(err)
			}
			good, bad, err := Verify(t.Context(), dir, []string{heads[0].Name, heads[1].Name}, &Meter{})
			if len(good) != 2-c.backups || len(bad) != c.backups || err != nil || bad[len(bad)-1].Path != c.want {
				t.Fatal(good, bad, err)
			}
			to := filepath.Join(t.TempDir(), "new")
			if err := Restore(t.Context(), path, to, &Meter{}); err == nil || !strings.Contains(err.Error(), "damaged") {
				t.Errorf("restored: %v", err)
			}
			if left, err := os.ReadDir(to); err == nil && len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestUnfinished: what a killed backup or restore left is removed and never used.
func TestUnfinished(t *testing.T) {
	dir, _, heads := twice(t)
	half := filepath.Join(dir, partial+"20260301T050000Z")
	to := t.TempDir()
	write(t, half, map[string]string{"data/state.db": "half"})
	write(t, to, map[string]string{restoring + "/state.db": "half"})
	if path, err := Find(dir, ""); filepath.Base(path) != heads[1].Name || err != nil {
		t.Error(path, err)
	}
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := os.Stat(half); err == nil {
		t.Error("the unfinished backup is still there")
	}
	if err := Restore(t.Context(), filepath.Join(dir, heads[1].Name), to, &Meter{}); err != nil {
		t.Error(err)
	}
}

func TestHostileManifest(t *testing.T) {
	dir := t.TempDir()
	m := &manifest{Head: Head{Format: formatNow}, List: []File{{Path: "../../etc/x"}}}
	if err := save(dir, m); err != nil {
		t.Fatal(err)
	}
	if _, err := load(dir); err == nil || !strings.Contains(err.Error(), "../../etc/x") {
		t.Errorf("a path outside of the folder: %v", err)
	}
	newer := t.TempDir()
	if err := save(newer, &manifest{Head: Head{Format: formatNow + 1, Program: "v9"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := load(newer); err == nil || !strings.Contains(err.Error(), "written by version v9") {
		t.Errorf("a newer format: %v", err)
	}
}
