package folder

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/digest"
	"bluetrail/internal/generate"
)

var end = time.Date(2025, 6, 6, 15, 0, 0, 0, time.UTC)

const seed = 7

// trail generates a trail and keeps two of its lanes: the one that generate damages, and
// another account's.
func trail(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	cfg := generate.Config{Seed: seed, Events: 2000, End: end, Days: 8, Accounts: 4, Ordinary: true, Backfill: true}
	if _, err := generate.Write(context.Background(), dir, cfg, nil); err != nil {
		t.Fatal(err)
	}
	lanes, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/*/*"))
	if err != nil {
		t.Fatal(err)
	}
	backfills, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/*/*/*/*/*/*_backfill.json.gz"))
	if err != nil || len(backfills) == 0 {
		t.Fatalf("no backfill digests, %v", err)
	}
	account := func(path string) string {
		rel, _ := filepath.Rel(dir, path)
		return strings.Split(rel, string(filepath.Separator))[2]
	}
	for _, lane := range lanes {
		keep := account(lane) == account(lanes[0]) || account(lane) == account(backfills[0])
		if !keep || filepath.Base(lane) != "us-east-1" {
			if err := os.RemoveAll(lane); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func keys(t testing.TB, dir string) *digest.Keys {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, generate.KeysFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	k, err := digest.ParseKeys(json.NewDecoder(f))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// contents returns the files below a folder.
func contents(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		all[path] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// restore makes a folder what it was.
func restore(t testing.TB, dir string, was map[string]string) {
	t.Helper()
	is := contents(t, dir)
	for path := range is {
		if _, ok := was[path]; !ok {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	for path, body := range was {
		if now, ok := is[path]; !ok || now != body {
			if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func verify(t testing.TB, dir string, o digest.Options) *digest.Report {
	t.Helper()
	r, err := digest.Verify(context.Background(), New([]string{dir}), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTamper damages copies of a trail in every way that generate knows, and says what is
// to be found, in the chain of the damaged lane and in all others.
func TestTamper(t *testing.T) {
	t.Parallel()
	type want struct {
		verdict  digest.Verdict
		kinds    []digest.Kind
		hours    int
		unproven bool // other chains, too
	}
	damaged := func(kinds ...digest.Kind) want { return want{verdict: digest.Damaged, kinds: kinds} }
	wants := map[string]want{
		"log-changed":       damaged(digest.LogModified),
		"log-appended":      damaged(digest.LogModified),
		"log-cut":           damaged(digest.LogUnreadable),
		"log-deleted":       damaged(digest.LogMissing),
		"log-added":         damaged(digest.LogUnnamed),
		"log-moved":         damaged(digest.LogMoved),
		"digest-changed":    damaged(digest.DigestModified),
		"digest-forged":     damaged(digest.DigestModified),
		"digest-deleted":    {digest.Damaged, []digest.Kind{digest.DigestMissing}, 1, false},
		"digests-deleted":   {digest.Damaged, []digest.Kind{digest.DigestMissing}, 5, false},
		"newest-deleted":    {digest.Damaged, []digest.Kind{digest.DigestLate}, 4, false},
		"digest-moved":      damaged(digest.DigestMoved),
		"signature-changed": damaged(digest.DigestModified),
		"signatures-lost":   {digest.Unproven, []digest.Kind{digest.DigestUnsigned}, 0, true},
		"restart":           {digest.Damaged, []digest.Kind{digest.ChainRestart}, 3, false},
		"unknown-key":       {digest.Unproven, []digest.Kind{digest.KeyUnknown}, 0, false},
	}
	dir := trail(t)
	k := keys(t, dir)
	whole(t, verify(t, dir, digest.Options{Keys: k}))
	was := contents(t, dir)
	for _, x := range generate.Tamperings() {
		w, ok := wants[x.Kind]
		if !ok {
			t.Errorf("nothing is expected of %s", x.Kind)
			continue
		}
		restore(t, dir, was)
		object, err := generate.Tamper(dir, seed, x.Kind)
		if err != nil {
			t.Errorf("%s: %v", x.Kind, err)
			continue
		}
		r := verify(t, dir, digest.Options{Keys: k, Latest: end.Add(time.Hour)})
		bad := 0
		for _, c := range r.Chains {
			if c.Verdict == digest.Proven {
				continue
			}
			bad++
			var kinds []digest.Kind
			for kind := range c.Counts {
				kinds = append(kinds, kind)
			}
			slices.Sort(kinds)
			if c.Verdict != w.verdict || !slices.Equal(kinds, w.kinds) || c.Hours != w.hours {
				t.Errorf("%s (%s): %s, %d hours, %v\n%s\n%+v", x.Kind, object, c.Verdict, c.Hours, kinds, c.Words, c.Problems)
			}
			if testing.Verbose() {
				t.Logf("%s: %s\n  %+v", x.Kind, c.Words, c.Problems[0].Text)
			}
		}
		if bad == 0 || !w.unproven && bad != 1 {
			t.Errorf("%s: %d of %d chains are not proven", x.Kind, bad, len(r.Chains))
		}
	}
}

func whole(t *testing.T, r *digest.Report) {
	t.Helper()
	backfills := 0
	for _, c := range r.Chains {
		if c.Backfill {
			backfills++
		}
		if c.Verdict != digest.Proven || c.Signed != c.Digests || len(c.Problems) > 0 {
			t.Errorf("%s: %s\n%+v", c.ChainID, c.Words, c.Problems)
		}
	}
	if backfills != 1 || len(r.Chains) != 3 || r.Verdict() != digest.Proven || r.Logs == 0 {
		t.Errorf("%d of %d chains are of backfill digests, %s, %d log files", backfills, len(r.Chains), r.Verdict(), r.Logs)
	}
}
