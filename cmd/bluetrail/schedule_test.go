package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServeSchedules runs a server with a rule, a baseline and a file that is broken: the
// rule's finding is listed, and the baseline keeps its lookup in the data directory.
func TestServeSchedules(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	put := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("trail.json", fmt.Sprintf(`{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-000000000001","eventTime":%q,"eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","awsRegion":"eu-west-1","userIdentity":{"type":"IAMUser","userName":"alice","arn":"arn:aws:iam::111122223333:user/alice"}}`, time.Now().UTC().Add(-time.Hour).Format(time.RFC3339)))
	put("rules/detections/key.yml", "name: Key Made\nid: key-made\nsearch: '`made` | stats count by user_arn'\nschedule: {every: 1m, earliest: -1d}\ntags: {risk_score: 90}\n")
	put("rules/detections/broken.yml", "name: [\n")
	put("rules/macros/made.yml", "name: made\ndefinition: index=aws eventName=CreateAccessKey\n")
	put("rules/baselines/seen.yml", "name: Users Seen\ntype: Baseline\nsearch: index=aws | stats count by user | outputlookup seen.csv\nschedule: {every: 1m, earliest: -1d}\n")
	put("bluetrail.yaml", "rules: {dirs: [rules]}\n")
	if code, _, errs := bluetrail(t, "ingest", "--data", "data", "trail.json"); code != exitDone {
		t.Fatal(errs)
	}
	log, stop := startServer(t, "data", "--config", "bluetrail.yaml")
	list := ""
	for !strings.Contains(list, "Key Made") {
		var code int
		var errs string
		if code, list, errs = bluetrail(t, "findings", "--data", "data", "-o", "json"); code != exitDone {
			t.Fatal(errs)
		}
		if t.Context().Err() != nil {
			t.Fatal(log)
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, want := range []string{`"critical"`, "arn:aws:iam::111122223333:user/alice", "key-made"} {
		if !strings.Contains(list, want) {
			t.Errorf("%s is not in %s", want, list)
		}
	}
	for seen := []byte(nil); !strings.Contains(string(seen), "alice"); time.Sleep(10 * time.Millisecond) {
		seen, _ = os.ReadFile("data/knowledge/lookups/seen.csv")
	}
	stop()
	if text := log.String(); !strings.Contains(text, "broken.yml") || strings.Contains(text, "a rule failed") {
		t.Error(text)
	}
	if _, err := os.Stat("rules/lookups"); err == nil {
		t.Error("the baseline wrote into the folder of rules")
	}
}
