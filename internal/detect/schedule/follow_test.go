package schedule

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/ruleset"
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
		Open: func(folders []string) (search.Options, error) {
			k, err := open(folders)
			return search.Options{Store: mem, Macros: k, Knowledge: k}, err
		},
	})
	ctx := context.Background()
	f, err := ruleset.Follow(ctx, ruleset.FollowOptions{Paths: []string{content}, Options: ruleset.Options{
		Off: []string{"Nothing From The Trail"}, Knowledge: func(folders []string) (splrule.Knowledge, error) { return open(folders) },
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.Subscribe(func(rs *ruleset.Ruleset) {
		if err := s.SetRules(rs); err != nil {
			t.Error(err)
		}
	})
	n := len(s.Status())
	if n != 12 {
		t.Fatalf("%d rules", n)
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
	if changed, err := f.Reload(ctx); !changed || err != nil || len(s.Status()) != n+1 {
		t.Errorf("%d rules after one came: %v", len(s.Status()), err)
	}
}
