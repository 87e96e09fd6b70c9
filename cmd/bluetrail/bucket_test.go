package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/aws/awstest"
)

// TestInPlace: verbs read a bucket where they read files, tell the cost first, and name
// what they cannot read.
func TestInPlace(t *testing.T) {
	s := awstest.NewMemory(t)
	for day := 1; day <= 3; day++ {
		record := fmt.Sprintf(`{"Records":[{"eventVersion":"1.08","eventID":"00000000-0000-4000-8000-00000000000%d","eventTime":"2026-03-0%[1]dT10:00:00Z","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging","awsRegion":"eu-west-1","recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.7","requestParameters":{"name":"main"},"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","userName":"alice"}}]}`, day)
		s.Put("trail", fmt.Sprintf("AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/0%d/111122223333_CloudTrail_eu-west-1_2026030%[1]dT1005Z_abcdefghijklmnop.json", day), []byte(record), nil)
	}
	s.Put("trail", "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/03/111122223333_CloudTrail_eu-west-1_20260303T1010Z_abcdefghijklmnoq.json.gz", []byte("\x1f\x8bbroken"), nil)
	at := []string{"s3://trail/AWSLogs", "--endpoint", s.Access.Endpoint}
	two := append(at[:3:3], "--earliest", "2026-03-01T00:00:00Z", "--latest", "2026-03-02T00:00:00Z")
	for _, c := range []struct {
		args     []string
		code     int
		out, err string
	}{
		{append([]string{"search", "-o", "csv", "StopLogging | stats count by user", "--files"}, two...), exitDone, "alice,1", "not read; an event"},
		{append([]string{"search", "--dry-run", "--late", "1d", "eventName=x", "--files"}, two...), exitDone, "s3://trail/AWSLogs: 2 objects to read of 4 listed", ""},
		{append([]string{"search", "*", "--files"}, at...), exitPartly, "StopLogging", "s3://trail/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/03/"},
		{append([]string{"summary"}, two...), exitDone, "alice", "1 request to fetch"},
		{append([]string{"trace", "alice"}, two...), exitDone, "StopLogging", ""},
		{append([]string{"fields", "user", "--files"}, two...), exitDone, "alice", ""},
		{append([]string{"hunt", "-o", "csv"}, two...), exitDone, "StopLogging", "in 1 file"},
		{append([]string{"export", "StopLogging", "--evidence", filepath.Join(t.TempDir(), "case"), "--files"}, two...), exitDone, "", "1 record of 1 source written"},
		{append([]string{"hunt", "--dry-run"}, two...), exitDone, "1 object to read", ""},
		{append([]string{"exposure", "--region", "nowhere"}, at...), exitUsage, "", "region"},
		{append([]string{"summary", "--late", "soon"}, at...), exitUsage, "", "--late"},
		{[]string{"summary", "s3://nobody/x", "--endpoint", s.Access.Endpoint}, exitFailed, "", "no such bucket"},
		{[]string{"summary", ".", "--dry-run"}, exitUsage, "", "s3://BUCKET"},
	} {
		var out, errOut strings.Builder
		if code := run(t.Context(), c.args, &out, &errOut); code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errOut.String(), c.err) {
			t.Errorf("%q ends with %d, want %d\n%s\n%s", c.args, code, c.code, out.String(), errOut.String())
		}
	}
}
