package digest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestNames(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for key, want := range map[string]name{
		"p/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/01/02/111122223333_CloudTrail-Digest_us-east-1_a_trail_eu-west-1_20260102T030405Z.json.gz": {
			account: "111122223333", region: "us-east-1", digest: true, trail: "a_trail", home: "eu-west-1", at: at},
		"111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20260102T030405Z_backfill.json.gz": {
			account: "111122223333", region: "us-east-1", digest: true, trail: "t", home: "us-east-1", backfill: true, at: at},
		"x/111122223333_CloudTrail-Insight_us-east-1_20260102T0304Z_abcdefghijklmnop.json": {
			account: "111122223333", region: "us-east-1", kind: "Insight", at: at.Truncate(time.Minute)},
	} {
		if got, ok := parseName(key); !ok || got != want {
			t.Errorf("%s: %+v", key, got)
		}
	}
	for _, key := range []string{"", "x.json.gz", "1_CloudTrail_us-east-1_yesterday_x.json.gz", "1_CloudTrail-Digest_us-east-1_t_20260102T030405Z.json.gz", "1_VPC_us-east-1_20260102T0304Z_x.json.gz"} {
		if got, ok := parseName(key); ok {
			t.Errorf("%q: %+v", key, got)
		}
	}
	for key, want := range map[string]string{"a/AWSLogs/o-abc/1/CloudTrail/x": "a/AWSLogs/o-abc/", "AWSLogs/1/CloudTrail/x": "AWSLogs/", "x/y": "", "xAWSLogs/1/y": ""} {
		if got := root(key); got != want {
			t.Errorf("root of %s: %q", key, got)
		}
	}
}

// TestPlace: in a bucket all of the key counts, of a copy what it has kept.
func TestPlace(t *testing.T) {
	const key = "p/AWSLogs/1/CloudTrail/us-east-1/2026/01/02/x.json.gz"
	for _, c := range []struct {
		bucket, key string
		is          bool
	}{
		{"b", key, true}, {"c", key, false}, {"b", key[2:], false},
		{"", key, true}, {"", key[2:], true}, {"", "copy/of/" + key, true}, {"", "q" + key[1:], true}, {"", "x.json.gz", true}, {"", "02/x.json", true},
		{"", "03/x.json.gz", false}, {"", strings.Replace(key, "2026", "2025", 1), false},
	} {
		o := Object{Bucket: c.bucket, Key: c.key}
		if got := o.isAt("b", key); got != c.is {
			t.Errorf("s3://%s/%s: %v", c.bucket, c.key, got)
		}
	}
}

func TestKeys(t *testing.T) {
	const value = "MIGJAoGBAJNrHWRFgWLqgzSmLBq2G89exgi/Jk1NWhbFB9gHc9MLORmP3BOCJS9k"
	if _, err := ParseKeys(json.NewDecoder(strings.NewReader(`{"PublicKeyList":[{"Value":"` + value + `","Fingerprint":"x"}]}`))); err == nil {
		t.Error("a broken key is read")
	}
	for _, text := range []string{"", "{}", "[]", `{"PublicKeyList":[]}`} {
		if _, err := ParseKeys(json.NewDecoder(strings.NewReader(text))); err == nil {
			t.Errorf("%q is read", text)
		}
	}
	at := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	k := &Keys{list: map[string][]PublicKey{"x": {{ValidityStartTime: at, ValidityEndTime: at.Add(24 * time.Hour)}}}}
	for _, c := range []struct {
		fingerprint string
		at          time.Time
		want        error
	}{
		{"x", at, nil}, {"x", time.Time{}, nil}, {"x", at.Add(-2 * time.Hour), nil}, {"x", at.Add(26 * time.Hour), nil},
		{"x", at.Add(-121 * time.Minute), errKeyExpired}, {"x", at.Add(27 * time.Hour), errKeyExpired}, {"y", at, errUnknownKey},
	} {
		if _, err := k.find(c.fingerprint, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s at %v: %v", c.fingerprint, c.at, err)
		}
	}
	var m moment
	for _, text := range []string{`"2026-01-02T00:00:00Z"`, `1767312000.0`, `"2026-01-02T01:00:00+01:00"`} {
		if err := json.Unmarshal([]byte(text), &m); err != nil || !time.Time(m).Equal(at) {
			t.Errorf("%s: %v, %v", text, time.Time(m), err)
		}
	}
}
