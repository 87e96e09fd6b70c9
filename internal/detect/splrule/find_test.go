package splrule

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/knowledge"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	dir := write(t, map[string]string{
		"content/detections/cloud/a.yml": "", "content/detections/cloud/old/b.YAML": "", "content/detections/cloud/notes.txt": "",
		"content/macros/m.yml": "", "content/lookups/l.yml": "", "content/baselines/base.yml": "",
		"app/default/savedsearches.conf": "", "app/default/macros.conf": "", "app/local/savedsearches.conf": "",
	})
	in := func(names ...string) (list []string) {
		for _, n := range names {
			list = append(list, filepath.Join(dir, n))
		}
		return list
	}
	found, err := Find(context.Background(), in("content/detections", "app", "content/detections/cloud/a.yml"))
	if err != nil {
		t.Fatal(err)
	}
	want := Found{
		Files:     in("content/detections/cloud/a.yml", "content/detections/cloud/old/b.YAML", "app/default/savedsearches.conf", "app/local/savedsearches.conf"),
		Knowledge: in("content", "app"),
		Baselines: in("content/baselines/base.yml"),
	}
	for i, f := range found.Files {
		found.Files[i] = filepath.Clean(f)
	}
	for i, f := range found.Knowledge {
		found.Knowledge[i] = filepath.Clean(f)
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "app", "loop")); err != nil {
		t.Fatal(err)
	}
	if again, err := Find(context.Background(), in("app")); err != nil || len(again.Files) != 2 {
		t.Errorf("a link was followed: %v, %v", again.Files, err)
	}
	found, err = Find(context.Background(), in("nowhere", "content/detections/cloud/a.yml"))
	if err == nil || !strings.Contains(err.Error(), "nowhere") || len(found.Files) != 1 {
		t.Errorf("a missing folder: %v, %v", found, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Find(ctx, in("content")); err == nil {
		t.Error("a cancelled search went on")
	}
}

func TestCheck(t *testing.T) {
	dir := write(t, map[string]string{
		"macros/trail.yml":  "name: trail\ndefinition: index=aws\n",
		"lookups/known.csv": "user,firstTime\nalice,1\n",
	})
	know, err := knowledge.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := &Checker{Knowledge: know, Now: time.Unix(1_700_000_000, 0).UTC()}
	c.Keeps(&Rule{Kind: SPL, Search: "`trail` | stats min(_time) AS firstTime BY user | outputlookup kept.csv"})
	for search, want := range map[string]string{
		"`trail` | stats count by user":                                 "",
		"`trail` | lookup known.csv user OUTPUT firstTime":              "",
		"`trail` | lookup kept.csv user OUTPUT firstTime":               "",
		"`trail` | outputlookup own.csv | inputlookup append=t own.csv": "",
		"`trial` | stats count":                                         "trial",
		"`trail` | statz count":                                         "statz",
		"| inputlookup nowhere.csv":                                     "nowhere.csv",
		"`trail` | where":                                               "expected an expression",
	} {
		_, err := c.Check(context.Background(), &Rule{Kind: SPL, Search: search})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", search, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "lookups", "own.csv")); err == nil {
		t.Error("a check wrote a lookup")
	}
	for _, kind := range []Kind{Sigma, ""} {
		if _, err := c.Check(context.Background(), &Rule{Kind: kind}); err == nil {
			t.Errorf("a rule of the kind %q is said to run", kind)
		}
	}
}
