package generate

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestOrdinaryDays: a trail without attacks has its routines, of whatever size it is,
// and the doubtful look-alikes are gone.
func TestOrdinaryDays(t *testing.T) {
	t.Parallel()
	cfg := small()
	cfg.Events, cfg.Ordinary = MinEvents, true
	labels, err := Labels(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, l := range labels {
		names[l.Name] = true
		if l.Expect == Caught || l.Technique != "" || l.Name == "ssh-open-without-instances" || len(l.EventIDs) == 0 {
			t.Errorf("label %+v", l)
		}
	}
	for _, name := range []string{"terraform-deployment", "scale-out", "snapshots-expire", "identity-center-sign-in", "secrets-kept-up-to-date", "pod-tokens", "scanner-reads-user-data"} {
		if !names[name] {
			t.Errorf("no %s", name)
		}
	}
	n := 0
	if err := Stream(context.Background(), cfg, func([]byte, time.Time) error { n++; return nil }); err != nil || n != cfg.Events {
		t.Errorf("%d events, error %v", n, err)
	}
}

func TestReadLabels(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write(LabelsFile, `{"name":"a","expect":"caught"}`+"\n")
	if labels, err := ReadLabels(one); err != nil || len(labels) != 1 {
		t.Errorf("%v, %v", labels, err)
	}
	if _, err := ReadLabels(dir); err == nil || !strings.Contains(err.Error(), LookalikesFile) {
		t.Errorf("a folder with half the files: %v", err)
	}
	write(LookalikesFile, `{"name":"b","expect":"quiet"}`+"\n")
	if labels, err := ReadLabels(dir); err != nil || len(labels) != 2 || labels[1].Expect != Quiet {
		t.Errorf("%v, %v", labels, err)
	}
	for _, text := range []string{`{"name":"b"}`, `{"expect":"quiet"}`, `{"name":`} {
		if _, err := ReadLabels(write("odd.jsonl", text)); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
