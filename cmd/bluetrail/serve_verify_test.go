package main

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/aws/awstest"
	"bluetrail/internal/config"
	"bluetrail/internal/digest"
	"bluetrail/internal/generate"
	"bluetrail/internal/state"
)

// TestBucketLedger verifies the bucket of a source from the day on that it is read from,
// and each digest once.
func TestBucketLedger(t *testing.T) {
	dir := t.TempDir()
	end := time.Date(2025, 6, 6, 15, 0, 0, 0, time.UTC)
	if _, err := generate.Write(t.Context(), dir, generate.Config{Seed: 7, Events: 2000, End: end, Days: 8, Accounts: 4, Ordinary: true}, nil); err != nil {
		t.Fatal(err)
	}
	keys, err := readKeys(filepath.Join(dir, generate.KeysFile))
	if err != nil {
		t.Fatal(err)
	}
	digests, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/CloudTrail-Digest/us-east-1/*/*/*/*.json.gz"))
	if err != nil || len(digests) == 0 {
		t.Fatalf("%d digests, %v", len(digests), err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/CloudTrail/us-east-1/*/*/*/*.json.gz"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("%d log files, %v", len(logs), err)
	}
	name := bucketOf(t, digests[0])
	server := awstest.NewMemory(t)
	for _, path := range append(digests, logs...) {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var metadata map[string]string
		if signature, err := os.ReadFile(path + ".signature"); err == nil {
			metadata = map[string]string{"signature": strings.TrimSpace(string(signature))}
		}
		key, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		server.Put(name, key, body, metadata)
	}
	db, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	src := &config.Source{Kind: config.KindS3, Access: server.Access, S3: config.S3{URL: "s3://" + name + "/", Since: "2025-06-05"}}
	now := end.Add(30 * time.Minute)
	look := func() (verified int) {
		t.Helper()
		l, err := bucketLedger(src, db)
		if err != nil {
			t.Fatal(err)
		}
		l.Keys = keys
		for range 2 {
			res, err := l.Look(t.Context(), now)
			if err != nil || len(res.Problems) > 0 {
				t.Fatalf("problems %v, %v", res.Problems, err)
			}
			verified += res.Digests
			now = now.Add(time.Minute)
		}
		return verified
	}
	lately := look()
	src.S3.Since = ""
	if earlier := look(); lately == 0 || earlier == 0 || lately+earlier != len(digests) {
		t.Errorf("%d digests and then %d were verified, want %d together", lately, earlier, len(digests))
	}
}

// bucketOf returns the bucket that a digest says it is in.
func bucketOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var d digest.Digest
	if err := json.NewDecoder(gz).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d.Bucket
}
