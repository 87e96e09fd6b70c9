package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/ingest"
)

// TestIngestStopped interrupts an ingest in the middle of a batch: the findings of the
// batch get their alerts, and the user hears what goes on.
func TestIngestStopped(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rule := put("rule.yml", "title: User made\nid: made\nlevel: high\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: CreateUser}, condition: s}\n")
	trail := put("trail.json", `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000000001","eventTime":"2026-03-01T10:00:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userIdentity":{"type":"IAMUser","userName":"alice","arn":"arn:aws:iam::111122223333:user/alice"}}`)
	said, err := os.Create(filepath.Join(dir, "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	cfg := config.Default()
	cfg.Rules.Dirs, cfg.Rules.Shipped = []string{rule}, false
	ctx, cancel := context.WithCancel(t.Context())
	a := &app{ctx: ctx, out: io.Discard, err: said, cfg: cfg, shares: &shares{}}
	o := ingest.Options{Data: filepath.Join(dir, "data"), Paths: []string{trail}, Clock: func() time.Time {
		cancel() // the event is on its way into the batch
		return time.Now()
	}}
	if err := a.ingest(o); err == nil || !strings.Contains(err.Error(), "events ingested so far are kept") {
		t.Errorf("error %v", err)
	}
	if a.raised != 1 {
		t.Errorf("%d alerts raised, want 1", a.raised)
	}
	text, err := os.ReadFile(said.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 event ingested from", "stopping: finishing the current batch; press Ctrl-C again", "1 alert raised; list them with: bluetrail alerts --data "} {
		if !strings.Contains(string(text), want) {
			t.Errorf("stderr lacks %q:\n%s", want, text)
		}
	}
}
