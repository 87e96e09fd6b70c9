package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServeRulesState corrects what a rule of a running server remembers: the server acts
// on it at once, and keeps it.
func TestServeRulesState(t *testing.T) {
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
	put("bluetrail.yaml", "rules: {dirs: [rules], shipped: false}\n")
	put("rules/region.yml", "title: Write\nid: write\nlogsource: {product: aws, service: cloudtrail}\ndetection: {s: {eventName: CreateUser}, condition: s}\nlevel: low\n---\n"+
		"title: New region\nid: region\nlevel: high\ncorrelation: {type: first_seen, rules: [write], fields: [awsRegion], group-by: [actor], learning: none}\n")
	at := time.Now().UTC()
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		put("trail/"+region+".json", `{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-0000000000`+map[string]string{"eu-west-1": "01", "us-east-1": "02"}[region]+`","eventTime":"`+at.Format(time.RFC3339)+`","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"`+region+
			`","userIdentity":{"type":"IAMUser","userName":"alice","arn":"arn:aws:iam::111122223333:user/alice"}}`)
	}
	_, stop := startServer(t, "data", "--config", "bluetrail.yaml")
	do := func(args ...string) string {
		t.Helper()
		code, out, errs := bluetrail(t, append([]string{"--config", "bluetrail.yaml"}, args...)...)
		if code != exitDone {
			t.Fatalf("%q: %s", args, errs)
		}
		return out
	}
	do("rules", "state", "region", "--data", "data", "--add", `[["arn:aws:iam::111122223333:user/alice"],["ap-east-1"]]`, "--add", `[["arn:aws:iam::111122223333:user/alice"],["eu-west-1"]]`)
	if out := do("rules", "state", "region", "--data", "data", "-o", "json"); strings.Count(out, "\n") != 2 {
		t.Errorf("remembered: %s", out)
	}
	do("rules", "state", "region", "--data", "data", "--forget", `[["arn:aws:iam::111122223333:user/alice"],["ap-east-1"]]`)
	if out := do("rules", "state", "region", "--data", "data", "-o", "json"); strings.Count(out, "\n") != 1 {
		t.Errorf("remembered after one is forgotten: %s", out)
	}
	do("ingest", "--data", "data", "trail")
	if out := do("findings", "--data", "data", "-o", "json"); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"values":"us-east-1"`) {
		t.Errorf("found: %s", out)
	}
	stop()
	if out := do("rules", "state", "region", "--data", "data", "-o", "json"); strings.Count(out, "\n") != 1 {
		t.Errorf("remembered after the end of the server: %s", out)
	}
}
