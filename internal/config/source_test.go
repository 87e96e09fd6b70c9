package config

import (
	"strings"
	"testing"
	"time"
)

func TestSources(t *testing.T) {
	const queue = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail"
	c, err := Load(write(t, `sources:
  - {kind: sqs, queue: "`+queue+`", buckets: [trail, other/AWSLogs], role_arn: "arn:aws:iam::111122223333:role/read", s3_endpoint: "http://localhost:1"}
  - {kind: lookupevents, name: sandbox, regions: [us-east-1], backfill_days: 7, profile: dev}
`))
	if err != nil {
		t.Fatal(err)
	}
	s := &c.Sources[0]
	if s.KindOf() != KindSQS || s.Label() != "sqs "+queue || s.QueueAccess().Region != "eu-west-1" || s.ObjectAccess().Endpoint != "http://localhost:1" || s.ObjectAccess().RoleARN == "" {
		t.Errorf("%+v", s)
	}
	if s := &c.Sources[1]; s.KindOf() != KindLookupEvents || s.Label() != "sandbox" || s.LookupEvents.Backfill != 7 || s.Access.Profile != "dev" || s.QuietTime() != 24*time.Hour {
		t.Errorf("%+v", s)
	}
	sqs := "kind: sqs, queue: '" + queue + "'"
	for text, want := range map[string]string{
		"{kind: sqz}":                                                   "the kinds are dir",
		"{" + sqs + ", buckets: [b], dir: a}":                           "has no dir",
		"{kind: dir, dir: a, queue: b}":                                 "a source of kind dir has no queue",
		"{kind: dir, dir: a, region: us-east-1}":                        "a source of kind dir has no region",
		"{kind: sqs, buckets: [b]}":                                     "has no queue",
		"{kind: sqs, queue: trail, buckets: [b]}":                       "expected a URL such as",
		"{" + sqs + "}":                                                 "has no buckets",
		"{" + sqs + ", buckets: ['s3://b']}":                            "write the name of a bucket",
		"{" + sqs + ", buckets: ['b*']}":                                "write the name of a bucket",
		"{" + sqs + ", buckets: [b], visibility: 1s}":                   "visibility must be",
		"{" + sqs + ", buckets: [b], s3_endpoint: x}":                   "s3_endpoint",
		"{" + sqs + ", bucket: [b]}":                                    "buckets",
		"{kind: lookupevents}":                                          "has no regions",
		"{kind: lookupevents, regions: [all]}":                          "expected a region",
		"{kind: lookupevents, regions: [us-east-1, us-east-1]}":         "listed twice",
		"{kind: lookupevents, regions: [us-east-1], backfill_days: 91}": "backfill_days",
		"{kind: lookupevents, regions: [us-east-1], external_id: x}":    "without role_arn",
		"{name: x, dir: a}\n  - {name: x, dir: b}":                      "are named",
		"{kind: lookupevents, regions: [us-east-1]}\n  - {kind: lookupevents, regions: [us-east-1]}": "listed twice",
	} {
		if _, err := Load(write(t, "sources:\n  - "+text+"\n")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
