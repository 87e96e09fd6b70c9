package ledger

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bluetrail/internal/digest"
	"bluetrail/internal/digest/folder"
	"bluetrail/internal/generate"
	"bluetrail/internal/state"
)

// TestLook verifies a trail as it grows: each digest once, what is damaged again until
// it is whole, and what was verified stays known across restarts.
func TestLook(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	end := time.Date(2025, 6, 6, 15, 0, 0, 0, time.UTC)
	if _, err := generate.Write(context.Background(), dir, generate.Config{Seed: 7, Events: 2000, End: end, Days: 8, Accounts: 4, Ordinary: true}, nil); err != nil {
		t.Fatal(err)
	}
	lanes, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/CloudTrail-Digest/us-east-1"))
	if err != nil || len(lanes) == 0 {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/CloudTrail*/*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, lane := range all { // but one account and region
		if filepath.Base(lane) != "us-east-1" || filepath.Dir(filepath.Dir(lane)) != filepath.Dir(filepath.Dir(lanes[0])) {
			if err := os.RemoveAll(lane); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := os.Open(filepath.Join(dir, generate.KeysFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	keys, err := digest.ParseKeys(json.NewDecoder(f))
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	db, err := state.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { db.Close() }()
	open := func(context.Context, time.Time) (digest.Objects, error) { return folder.New([]string{dir}), nil }
	l := &Ledger{Source: dir, Open: open, Keys: keys, DB: db}
	now := end.Add(30 * time.Minute)
	look := func(digests, problems int) Result {
		t.Helper()
		now = now.Add(time.Minute)
		res, err := l.Look(context.Background(), now)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := db.DigestProblems(time.Time{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		if res.Digests != digests || len(kept) != problems {
			t.Errorf("%d digests, want %d; problems %+v, want %d", res.Digests, digests, kept, problems)
		}
		return res
	}
	if res := look(192, 0); res.Logs == 0 {
		t.Error("no log file was verified")
	}
	look(0, 0)

	// A log file that goes away is noticed after a restart, though its digest is known.
	logs, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/CloudTrail/us-east-1/2025/06/06/*.json.gz"))
	if err != nil || len(logs) == 0 {
		t.Fatal(err)
	}
	body, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(logs[0]); err != nil {
		t.Fatal(err)
	}
	db.Close()
	if db, err = state.Open(data); err != nil { // a restart looks at everything
		t.Fatal(err)
	}
	l = &Ledger{Source: dir, Open: open, Keys: keys, DB: db}
	now = time.Now().Add(2 * time.Hour) // the digest is no longer new, and its log files are due
	look(0, 2)
	if err := os.WriteFile(logs[0], body, 0o600); err != nil {
		t.Fatal(err)
	}
	look(0, 2) // a look at the last days leaves what is older
	l.full = time.Time{}
	look(0, 1) // the chain ended long ago
	chains, err := db.DigestChains()
	if err != nil || len(chains) != 1 || chains[0].Digests != 192 || chains[0].Whole != 192 {
		t.Errorf("%+v, %v", chains, err)
	}
}
