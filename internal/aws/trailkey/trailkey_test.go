package trailkey

import (
	"testing"
	"time"
)

// TestParse: keys of both layouts are parsed and made again; what does not lie as
// CloudTrail's files is none.
func TestParse(t *testing.T) {
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	for key, want := range map[string]Key{
		"AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/111122223333_CloudTrail_us-east-1_20260102T0304Z_abcdefghijklmnop.json.gz": {
			Trail: Trail{Account: "111122223333", Folder: Log, Region: "us-east-1"}, Delivered: day.Add(3*time.Hour + 4*time.Minute)},
		"a/AWSLogs/b/AWSLogs/o-abcdefghij/111122223333/CloudTrail-Insight/us-gov-west-1/2026/01/02/x.json.gz": {
			Trail: Trail{Prefix: "a/AWSLogs/b/", Org: "o-abcdefghij", Account: "111122223333", Folder: Insight, Region: "us-gov-west-1"}},
		"AWSLogs/111122223333/CloudTrail-Digest/ap-southeast-2/2026/01/02/111122223333_CloudTrail-Digest_ap-southeast-2_a-trail_us-east-1_20260102T030405Z_backfill.json.gz": {
			Trail: Trail{Account: "111122223333", Folder: Digest, Region: "ap-southeast-2"}, Delivered: day.Add(3*time.Hour + 4*time.Minute + 5*time.Second), Backfill: true},
	} {
		k, ok := Parse(key)
		if !ok {
			t.Errorf("%s is not parsed", key)
			continue
		}
		if k.Trail != want.Trail || !k.Day.Equal(day) || !k.Delivered.Equal(want.Delivered) || k.Backfill != want.Backfill {
			t.Errorf("%s: %+v", key, k)
		}
		if k.String() != key {
			t.Errorf("%s is made as %s", key, k.String())
		}
	}
	for _, key := range []string{
		"", "x", "/", "2026/01/02/x", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/01/02/", "AWSLogs/111122223333/CloudTrail/us-east-1/2026/13/02/x",
		"AWSLogs/11112222333/CloudTrail/us-east-1/2026/01/02/x", "AWSLogs/111122223333/vpcflowlogs/us-east-1/2026/01/02/x", "Logs/111122223333/CloudTrail/us-east-1/2026/01/02/x",
		"AWSLogs/O-x/111122223333/CloudTrail/us-east-1/2026/01/02/x", "AWSLogs/111122223333/CloudTrail/../2026/01/02/x", "AWSLogs/111122223333/CloudTrail/us-east-1/x2026/01/02/x",
	} {
		if k, ok := Parse(key); ok {
			t.Errorf("%q is parsed as %+v", key, k)
		}
	}
	tr := Trail{Account: "111122223333", Folder: Log, Region: "us-east-1"}
	at := day.Add(90 * time.Minute)
	if got := Delivered(tr.LogName(at, "abcdefghijklmnop")); !got.Equal(at) {
		t.Error(got)
	}
	tr.Folder = Digest
	if got, ok := Parse(tr.Key(day, tr.DigestName("name_Z_x", "us-east-1", at, false))); !ok || !got.Delivered.Equal(at) || got.Backfill {
		t.Errorf("%+v", got)
	}
}
