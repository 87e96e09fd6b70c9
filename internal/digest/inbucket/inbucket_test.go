package inbucket

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/awstest"
	"bluetrail/internal/digest"
	"bluetrail/internal/generate"
)

// TestBucket verifies a generated trail in a bucket, where signatures are metadata and
// all of a key counts.
func TestBucket(t *testing.T) {
	dir := t.TempDir()
	end := time.Date(2025, 6, 6, 15, 0, 0, 0, time.UTC)
	if _, err := generate.Write(context.Background(), dir, generate.Config{Seed: 7, Events: 2000, End: end, Days: 8, Accounts: 4, Ordinary: true}, nil); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, generate.KeysFile))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := digest.ParseKeys(json.NewDecoder(bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	server := awstest.NewMemory(t)
	files, err := filepath.Glob(filepath.Join(dir, "AWSLogs/*/*/*/us-east-1/*/*/*/*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	name := ""
	for _, f := range files {
		if strings.Contains(f, "CloudTrail-Digest") {
			name = bucketOf(t, f)
			break
		}
	}
	for _, f := range files {
		body, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		key, err := filepath.Rel(dir, f)
		if err != nil {
			t.Fatal(err)
		}
		var metadata map[string]string
		if signature, err := os.ReadFile(f + ".signature"); err == nil {
			metadata = map[string]string{"signature": strings.TrimSpace(string(signature))}
		}
		server.Put("copy", key, body, metadata)
		server.Put(name, key, body, metadata)
	}
	client, err := aws.New(context.Background(), server.Access)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(place string, o digest.Options) *digest.Report {
		t.Helper()
		objects, err := New(client, place, o.Earliest, o.Latest)
		if err != nil {
			t.Fatal(err)
		}
		o.Keys, o.Workers = keys, 8
		r, err := digest.Verify(context.Background(), objects, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	now := end.Add(30 * time.Minute)
	r := verify("s3://"+name, digest.Options{Now: now})
	if r.Verdict() != digest.Proven || len(r.Chains) < 2 || r.Logs == 0 || r.Inferred {
		t.Errorf("%s, %d log files", r.Verdict(), r.Logs)
		for _, c := range r.Chains {
			t.Errorf("%s: %s", c.ChainID, c.Words)
		}
	}
	day := verify("s3://"+name+"/AWSLogs/", digest.Options{Earliest: end.Add(-24 * time.Hour), Latest: end.Add(-12 * time.Hour)})
	if day.Verdict() != digest.Proven || day.Digests == 0 || day.Digests >= r.Digests/4 {
		t.Errorf("half a day: %s, %d digests", day.Verdict(), day.Digests)
	}
	// The clock of a bucket is the present: digests of later hours are missing.
	for _, c := range verify("s3://"+name, digest.Options{Now: now.Add(5 * time.Hour)}).Chains {
		if c.Verdict != digest.Damaged || c.Counts[digest.DigestLate] != 1 {
			t.Errorf("%s: %s", c.ChainID, c.Words)
		}
	}
	for _, c := range verify("s3://copy/AWSLogs", digest.Options{Now: now}).Chains {
		if c.Counts[digest.DigestMoved] != c.Digests || c.Signed != c.Digests {
			t.Errorf("in another bucket: %s: %s", c.ChainID, c.Words)
		}
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
	body, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	d, err := digest.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	return d.Bucket
}
