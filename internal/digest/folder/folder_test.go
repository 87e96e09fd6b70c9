package folder

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/digest"
	"bluetrail/internal/generate"
)

var end = time.Date(2025, 6, 6, 15, 0, 0, 0, time.UTC)

const seed = 7

// trail generates a trail into a temporary folder.
func trail(t testing.TB, backfill bool) string {
	t.Helper()
	dir := t.TempDir()
	cfg := generate.Config{Seed: seed, Events: 2000, End: end, Days: 8, Accounts: 4, Ordinary: true, Backfill: backfill}
	if _, err := generate.Write(context.Background(), dir, cfg, nil); err != nil {
		t.Fatal(err)
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

// copyTree links all files of a folder into another one. Whoever damages a file writes
// it anew.
func copyTree(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func verify(t testing.TB, dir string, o digest.Options) *digest.Report {
	t.Helper()
	r, err := digest.Verify(context.Background(), New([]string{dir}), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestWholeTrail(t *testing.T) {
	t.Parallel()
	dir := trail(t, true)
	k := keys(t, dir)
	r := verify(t, dir, digest.Options{Keys: k})
	backfills := 0
	for _, c := range r.Chains {
		if c.Backfill {
			backfills++
		}
		if c.Verdict != digest.Proven || c.Signed != c.Digests || len(c.Problems) > 0 {
			t.Errorf("%s: %s\n%+v", c.ChainID, c.Words, c.Problems)
		}
	}
	if backfills != 1 || r.Verdict() != digest.Proven || r.Logs == 0 {
		t.Errorf("%d chains of backfill digests, %s, %d log files", backfills, r.Verdict(), r.Logs)
	}
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
		"unknown-key":       damaged(digest.KeyUnknown),
	}
	dir := trail(t, false)
	k := keys(t, dir)
	for _, x := range generate.Tamperings() {
		w, ok := wants[x.Kind]
		if !ok {
			t.Errorf("nothing is expected of %s", x.Kind)
			continue
		}
		if x.Kind == "unknown-key" {
			w.verdict = digest.Unproven
		}
		copied := copyTree(t, dir)
		object, err := generate.Tamper(copied, seed, x.Kind)
		if err != nil {
			t.Errorf("%s: %v", x.Kind, err)
			continue
		}
		r := verify(t, copied, digest.Options{Keys: k, Latest: end.Add(time.Hour)})
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
