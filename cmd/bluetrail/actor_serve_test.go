package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	roleCall  = `{"eventVersion":"1.11","eventID":"44444444-4444-4444-8444-000000000001","eventTime":"2026-03-02T09:10:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","recipientAccountId":"444455556666","userIdentity":{"type":"AssumedRole","principalId":"AROADEPLOY12345678901:ci-1","arn":"arn:aws:sts::444455556666:assumed-role/deploy/ci-1","accountId":"444455556666","accessKeyId":"ASIADEPLOY1234567890","sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::444455556666:role/deploy","userName":"deploy"},"attributes":{"creationDate":"2026-03-02T09:00:00Z"}}}}`
	roleStart = `{"eventVersion":"1.11","eventID":"44444444-4444-4444-8444-000000000002","eventTime":"2026-03-02T09:00:00Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole","sourceIPAddress":"198.51.100.7","recipientAccountId":"111122223333","userIdentity":{"type":"IAMUser","principalId":"AIDAALICE1234567890AB","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAALICE12345678901","userName":"alice"},"responseElements":{"credentials":{"accessKeyId":"ASIADEPLOY1234567890"},"assumedRoleUser":{"assumedRoleId":"AROADEPLOY12345678901:ci-1"}}}`
)

// TestActorWithServer: a server knows who is behind an event as soon as it has taken in
// what tells it, and so does whoever searches afterwards or the files.
func TestActorWithServer(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	paths := []string{filepath.Join(dir, "a.json"), filepath.Join(dir, "b.json")}
	for i, text := range []string{roleCall, roleStart} {
		if err := os.WriteFile(paths[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const (
		role  = `{"actor":"arn:aws:iam::444455556666:role/deploy","session_id":"AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"}` + "\n"
		alice = `{"actor":"arn:aws:iam::111122223333:user/alice","session_id":"AROADEPLOY12345678901:ci-1@2026-03-02T09:00:00Z"}` + "\n"
		text  = "eventName=ListBuckets actor=* | table actor session_id"
	)
	search := func(want string, where ...string) {
		t.Helper()
		code, out, errs := bluetrail(t, append([]string{"search", "-o", "json", text}, where...)...)
		if code != exitDone || out != want {
			t.Errorf("%v: %d %s%s", where, code, out, errs)
		}
	}
	_, stop := startServer(t, data)
	for i, want := range []string{role, alice} {
		if code, _, errs := bluetrail(t, "ingest", paths[i], "--data", data); code != exitDone {
			t.Fatal(errs)
		}
		search(want, "--data", data)
		search(want, "--data", data)
	}
	stop()
	search(alice, "--data", data)
	search(alice, "--files", paths[0], "--files", paths[1])
	search(role, "--files", paths[0])
	if _, out, _ := bluetrail(t, "search", "-o", "json", "--data", data, "* | table *"); strings.Contains(out, `"actor"`) {
		t.Error("everything includes the actor:", out)
	}
}
