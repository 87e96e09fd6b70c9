package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/health"
	"bluetrail/internal/state"
)

// TestKeepHealth: conditions open, change and end, and those of others stay.
func TestKeepHealth(t *testing.T) {
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Write(func(tx *state.Tx) error { return tx.Health("damage of a day", rule.High.Rank(), "a file is damaged") }); err != nil {
		t.Fatal(err)
	}
	open := func(list ...health.Condition) map[string]string {
		t.Helper()
		if err := keepHealth(db, list); err != nil {
			t.Fatal(err)
		}
		all, err := db.OpenConditions()
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]string{}
		for _, c := range all {
			texts[c.Key] = c.Text
		}
		return texts
	}
	chat := health.Condition{Key: "output chat", Severity: rule.High, Text: "it fails"}
	if got := open(chat, health.Condition{Key: "list tor", Severity: rule.Medium, Text: "empty"}); len(got) != 3 {
		t.Error(got)
	}
	chat.Text = "it fails still"
	if got := open(chat); len(got) != 2 || got["output chat"] != chat.Text || got["damage of a day"] == "" {
		t.Error(got)
	}
	if got := open(); len(got) != 1 {
		t.Error(got)
	}
}

// TestFacts: the newest file of a source is found, whether it was read to its end or
// still grows.
func TestFacts(t *testing.T) {
	dir := t.TempDir()
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	newest := func() time.Time {
		t.Helper()
		a := &app{cfg: config.Default(), shares: &shares{}}
		a.cfg.Sources = []config.Source{{Dir: dir}}
		f, err := a.facts("", db, nil, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if f.Sources[0].Quiet != config.DefaultQuiet {
			t.Error(f.Sources[0].Quiet)
		}
		return f.Sources[0].Newest
	}
	if got := newest(); !got.IsZero() {
		t.Error(got)
	}
	old := time.Now().Add(-time.Hour).Round(time.Second)
	files := []state.File{{Path: filepath.Join(dir, "a.json"), Changed: old.UnixNano(), Done: true}, {Path: dir + "0/other.json", Changed: time.Now().UnixNano(), Done: true}}
	if err := db.Commit(state.Checkpoint{}, files, nil, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := newest(); !got.Equal(old) {
		t.Error(got, old)
	}
	grows := filepath.Join(dir, "b.log")
	if err := os.WriteFile(grows, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := db.Commit(state.Checkpoint{}, []state.File{{Path: grows, Changed: old.UnixNano() - 1, Tail: &state.Tail{Path: grows}}}, nil, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	if got := newest(); !got.After(old) {
		t.Error(got)
	}
}
