package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/aws/awstest"
	"bluetrail/internal/config"
	"bluetrail/internal/ingest"
)

// TestRepairFromBucket loses a day that came from a bucket, and has it again from there.
func TestRepairFromBucket(t *testing.T) {
	m := awstest.NewMemory(t)
	key := func(day int) string {
		return fmt.Sprintf("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/0%d/111122223333_CloudTrail_eu-west-1_2026030%[1]dT1005Z_abcdefghijklmnop.json", day)
	}
	for day := 1; day <= 2; day++ {
		record := fmt.Sprintf(`{"Records":[{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-00000000000%d","eventTime":"2026-03-0%[1]dT10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject"}]}`, day)
		m.Put("trail", key(day), []byte(record), nil)
	}
	dir := t.TempDir()
	data, conf := filepath.Join(dir, "data"), filepath.Join(dir, "bluetrail.yaml")
	text := fmt.Sprintf("data: %s\nrules: {shipped: false}\nsources: [{kind: s3, url: 's3://trail/AWSLogs', endpoint: '%s', path_style: true}]\n", data, m.Access.Endpoint)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	end := exitDone
	verb := func(want string, args ...string) {
		t.Helper()
		var out, errOut strings.Builder
		if code := run(t.Context(), append([]string{"--config", conf}, args...), &out, &errOut); code != end || !strings.Contains(out.String()+errOut.String(), want) {
			t.Fatalf("%q ends with %d, want %q\n%s\n%s", args, code, want, out.String(), errOut.String())
		}
	}
	lose := func(day int) {
		t.Helper()
		if err := os.RemoveAll(filepath.Join(data, ingest.EventsDir, fmt.Sprintf("victorialogs/partitions/2026030%d", day))); err != nil {
			t.Fatal(err)
		}
	}
	verb("2 events ingested", "ingest", "s3://trail/AWSLogs", "--endpoint", m.Access.Endpoint)
	lose(1)
	verb("2026-03-01: recovered 1 of 1 missing events", "repair")
	lose(2)
	if err := os.WriteFile(conf, fmt.Appendf(nil, "data: %s\nrules: {shipped: false}\n", data), 0o600); err != nil {
		t.Fatal(err)
	}
	verb("2026-03-02: recovered 1 of 1 missing events", "repair", "--endpoint", m.Access.Endpoint)
	verb("2\n", "search", "-o", "csv", "* | stats count")

	// What cannot be read any more is named.
	lose(2)
	m.Put("trail", key(2), []byte("\x1f\x8bbroken"), nil)
	end = exitPartly
	verb("s3://trail/"+key(2), "repair", "--endpoint", m.Access.Endpoint)
}

func TestBucketAccess(t *testing.T) {
	sources := []config.Source{
		{Dir: "trail"},
		{Kind: config.KindS3, S3: config.S3{URL: "s3://trail-2/x"}, Access: config.Access{Profile: "two"}},
		{Kind: config.KindSQS, SQS: config.SQS{Queue: "https://sqs.eu-west-1.amazonaws.com/1/q", Buckets: []string{"trail/AWSLogs"}}, Access: config.Access{Profile: "queue"}},
	}
	for name, want := range map[string]string{"trail": "queue", "trail-2": "two", "trail-22": "", "other": ""} {
		if got := bucketAccess(sources, name).Profile; got != want {
			t.Errorf("%s is read by profile %q, want %q", name, got, want)
		}
	}
}
