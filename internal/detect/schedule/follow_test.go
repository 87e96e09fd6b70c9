package schedule

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
	"bluetrail/internal/search"
	"bluetrail/internal/store/memory"
)

// TestLoad loads the corpus, changes a file, and runs a baseline: what it keeps goes to
// a folder of its own, and the collection stays as it is.
func TestLoad(t *testing.T) {
	content, own := t.TempDir(), t.TempDir()
	if err := os.CopyFS(content, os.DirFS("testdata/corpus")); err != nil {
		t.Fatal(err)
	}
	open := func(folders []string) (*knowledge.Knowledge, error) {
		k, err := knowledge.Open(folders...)
		if err == nil {
			k.Keeping(own)
		}
		return k, err
	}
	db := openState(t, t.TempDir())
	mem := memory.New()
	raw := call("30m", "RunInstances", "a")
	if _, err := mem.Add([]byte(raw), meta()); err != nil {
		t.Fatal(err)
	}
	s := New(Config{
		State: db, Emit: Keep{}, Clock: func() time.Time { return midnight.Add(time.Hour) }, Arrived: func() (int64, error) { return 1, nil },
		Knowledge: func(folders []string) (splrule.Knowledge, error) { return open(folders) },
		Open: func(folders []string) (search.Options, error) {
			k, err := open(folders)
			return search.Options{Store: mem, Macros: k, Knowledge: k}, err
		},
	})
	ctx := context.Background()
	f := Folders{Dirs: []string{content}, Off: []string{"Nothing From The Trail"}}
	stamp, err := s.load(ctx, f, 0)
	n := len(s.Status())
	if err != nil || n != 12 {
		t.Fatalf("%d rules: %v", n, err)
	}
	if again, err := s.load(ctx, f, stamp); again != stamp || err != nil {
		t.Errorf("unchanged files are loaded again: %v", err)
	}
	if err := s.RunDue(ctx); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(own, "lookups", "seen_regions.csv"))
	if err != nil || !strings.Contains(string(kept), "eu-west-1") {
		t.Errorf("the baseline kept %q: %v", kept, err)
	}
	if _, err := os.Stat(filepath.Join(content, "lookups", "seen_regions.csv")); err == nil {
		t.Error("a run wrote into the collection")
	}
	if err := os.WriteFile(filepath.Join(content, "detections", "more.yml"), []byte("name: More\nsearch: index=aws\n---\nname: [\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if now, err := s.load(ctx, f, stamp); now == stamp || err != nil || len(s.Status()) != n+1 {
		t.Errorf("%d rules after one came: %v", len(s.Status()), err)
	}
}
