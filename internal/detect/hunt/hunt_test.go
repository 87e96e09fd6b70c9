package hunt

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/spill"
	"bluetrail/internal/store/files"

	"github.com/google/go-cmp/cmp"
)

const testRules = `
title: Role assumed
id: assumed
name: assumed
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: AssumeRole}, condition: s}
---
title: User created
id: created
name: created
level: high
message: "%actor% made %requestParameters.userName%"
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: CreateUser}, condition: s}
---
title: Many users
id: many
level: critical
correlation:
  type: value_count
  rules: [created]
  group-by: [actor]
  timespan: 1h
  generate: true
  condition: {field: requestParameters.userName, gte: 3}
`

func load(t *testing.T, text string) *ruleset.Ruleset {
	t.Helper()
	rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{Shipped: fstest.MapFS{"x.yml": {Data: []byte(text)}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	return rs
}

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// records are calls of alice and of sessions that she started, in order of time.
func records() (out []string) {
	for i := range 40 {
		at := start.Add(time.Duration(i) * 7 * time.Minute).Format(time.RFC3339)
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", i)
		key := fmt.Sprintf("ASIAEXAMPLE%05d", i/4*4)
		who := fmt.Sprintf(`{"type":"AssumedRole","principalId":"AROAX:s%d","arn":"arn:aws:sts::111122223333:assumed-role/deploy/s%d","accountId":"111122223333","accessKeyId":%q}`, i/4, i/4, key)
		call := fmt.Sprintf(`"eventName":"CreateUser","eventSource":"iam.amazonaws.com","requestParameters":{"userName":"u%d"}`, i)
		if i%4 == 0 {
			who = `{"type":"IAMUser","principalId":"AIDAX","arn":"arn:aws:iam::111122223333:user/alice","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE","userName":"alice"}`
			call = fmt.Sprintf(`"eventName":"AssumeRole","eventSource":"sts.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/deploy","roleSessionName":"s%d"},`+
				`"responseElements":{"credentials":{"accessKeyId":%q},"assumedRoleUser":{"assumedRoleId":"AROAX:s%d","arn":"arn:aws:sts::111122223333:assumed-role/deploy/s%d"}}`, i/4, key, i/4, i/4)
		}
		out = append(out, fmt.Sprintf(`{"eventVersion":"1.08","userIdentity":%s,"eventTime":%q,"awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","userAgent":"x","eventID":%q,"recipientAccountId":"111122223333",%s}`, who, at, id, call))
	}
	return out
}

// pile writes records into a few files.
func pile(t *testing.T, recs []string, size int) string {
	t.Helper()
	dir := t.TempDir()
	for n := 0; len(recs) > 0; n++ {
		k := min(size, len(recs))
		var buf bytes.Buffer
		z := gzip.NewWriter(&buf)
		z.Write([]byte(`{"Records":[` + strings.Join(recs[:k], ",") + `]}`))
		z.Close()
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("f%03d.json.gz", n)), buf.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		recs = recs[k:]
	}
	return dir
}

func run(t *testing.T, rs *ruleset.Ruleset, dir string, workers int, change func(*Options)) *Result {
	t.Helper()
	st, err := files.Open([]string{dir}, files.Options{Workers: workers, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Rules: rs, Records: st, Space: spill.NewSpace(t.TempDir(), 1<<30)}
	if change != nil {
		change(&o)
	}
	res, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range res.Findings {
		for i := range f.Events {
			f.Events[i].File = "" // where a copy lies is chance
		}
	}
	return res
}

func TestFindings(t *testing.T) {
	res := run(t, load(t, testRules), pile(t, records(), 8), 2, nil)
	var many []*finding.Finding
	for _, f := range res.Findings {
		if f.RuleID == "many" {
			many = append(many, f)
		}
		if len(f.Actor) != 1 || f.Actor[0] != "arn:aws:iam::111122223333:user/alice" {
			t.Errorf("%s: the actor is %v", f.Rule, f.Actor)
		}
	}
	if len(many) == 0 || many[0].Entity != "arn:aws:iam::111122223333:user/alice" || many[0].Severity != rule.Critical || len(many[0].Events) < 3 {
		t.Fatalf("correlation: %+v", many)
	}
	body, err := json.Marshal(res.Findings)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"user/alice made u1, u2, u3", `role deploy, session s0, assumed by alice from 198.51.100.7`} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("no finding has %q", want)
		}
	}
	if res.Events != 40 || !res.First.Equal(start) {
		t.Errorf("%d events from %v", res.Events, res.First)
	}
}

// TestAnyOrder hunts through the same records in other orders, in other files, twice,
// with more workers: the findings are the same.
func TestAnyOrder(t *testing.T) {
	rs := load(t, testRules)
	want := run(t, rs, pile(t, records(), 8), 1, nil).Findings
	if len(want) < 8 {
		t.Fatalf("only %d findings", len(want))
	}
	r := rand.New(rand.NewPCG(5, 6))
	for n := range 12 {
		recs := records()
		for i := range n {
			recs = append(recs, recs[i*3])
		}
		r.Shuffle(len(recs), func(i, j int) { recs[i], recs[j] = recs[j], recs[i] })
		got := run(t, rs, pile(t, recs, 1+r.IntN(20)), 1+n%8, nil).Findings
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("order %d: %s", n, d)
		}
	}
}

func TestRange(t *testing.T) {
	rs := load(t, testRules)
	dir := pile(t, records(), 8)
	res := run(t, rs, dir, 2, func(o *Options) { o.Earliest, o.Latest = start.Add(7*time.Minute), start.Add(21*time.Minute) })
	if res.Events != 2 || len(res.Findings) != 1 {
		t.Errorf("%d events, %d findings", res.Events, len(res.Findings))
	}
	res = run(t, rs, dir, 2, func(o *Options) { o.Severity = rule.Critical })
	for _, f := range res.Findings {
		if f.RuleID != "many" {
			t.Errorf("a finding of severity %s", f.Severity)
		}
	}
}

func TestCancelled(t *testing.T) {
	st, err := files.Open([]string{pile(t, records(), 8)}, files.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Rules: load(t, testRules), Records: st, Space: spill.NewSpace(t.TempDir(), 1<<20)}); err != context.Canceled {
		t.Errorf("error %v", err)
	}
}
