package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDoctorUnread: doctor warns about stored events that nobody read for long,
// until a deep check did.
func TestDoctorUnread(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	trail := filepath.Join(dir, "in.json")
	event := `{"eventVersion":"1.08","eventTime":"2026-03-05T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}`
	if err := os.WriteFile(trail, []byte(event), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, words, code := command(t, "ingest", "--data", data, trail); code != 0 {
		t.Fatal(words)
	}
	doctor := func(args ...string) string {
		t.Helper()
		out, words, code := command(t, append([]string{"doctor", "--data", data}, args...)...)
		if code != 0 {
			t.Fatalf("doctor ended with code %d: %s%s", code, out, words)
		}
		return out
	}
	if out := doctor(); strings.Contains(out, "unread") || strings.Contains(out, "read whole") {
		t.Errorf("new events:\n%s", out)
	}
	old := time.Now().AddDate(0, -3, 0)
	for path, d := range entries(t, filepath.Join(data, "events")) {
		if d.Type().IsRegular() {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	if out := doctor(); !strings.Contains(out, "were never read whole") || !strings.Contains(out, old.UTC().Format(time.DateOnly)) {
		t.Errorf("events of three months ago:\n%s", out)
	}
	if out := doctor("--deep"); strings.Contains(out, "unread") || !strings.Contains(out, "read whole") || !strings.Contains(out, " on "+time.Now().UTC().Format(time.DateOnly)) {
		t.Errorf("after a deep check:\n%s", out)
	}
	checked := filepath.Join(data, "events", "checked")
	if err := os.WriteFile(checked, []byte(old.UTC().Format(time.RFC3339)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := doctor(); !strings.Contains(out, "were last read whole on "+old.UTC().Format(time.DateOnly)) {
		t.Errorf("a deep check of three months ago:\n%s", out)
	}
}

// TestDoctorSources: doctor lists what is left out of watched folders, a few names
// and the number of the others.
func TestDoctorSources(t *testing.T) {
	dir := t.TempDir()
	watched, data := filepath.Join(dir, "in"), filepath.Join(dir, "data")
	if err := errors.Join(os.Mkdir(watched, 0o700), os.Mkdir(data, 0o700)); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		if err := os.WriteFile(filepath.Join(watched, fmt.Sprintf("note%02d", i)), []byte("no event"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(watched, "in.json"), []byte(`{"eventName":"x"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "bluetrail.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "sources:\n  - dir: %q\n", watched), 0o600); err != nil {
		t.Fatal(err)
	}
	out, words, code := command(t, "--config", config, "doctor", "--data", data, "--problems", "5")
	if code != 0 || !strings.Contains(out, "1 file, 30 left out, 0 unreadable paths") || strings.Count(out, "it does not look like events") != 5 || !strings.Contains(out, "25 more files") {
		t.Errorf("doctor ended with code %d:\n%s%s", code, out, words)
	}
}
