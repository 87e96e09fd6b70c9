package ruletest

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
)

const testRules = `
title: Role assumed
id: assumed
name: assumed
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: AssumeRole}, condition: s}
tests:
  - {name: serves others only, event: {eventName: AssumeRole}, fire: true}
  - {name: wrong, event: {eventName: GetUser}, fire: true}
  - {name: text, event: '{"eventName":"AssumeRole"}', fire: true}
  - {name: empty, event: {}, fire: false}
  - {name: file, event: two.json, fire: true}
  - {name: packed, event: two.json.gz, fire: true}
  - {name: outside, event: ../two.json, fire: true}
  - {name: no file, event: none.json, fire: true}
---
title: Often
id: often
level: high
correlation:
  type: event_count
  rules: [assumed]
  group-by: [actor]
  timespan: 1m
  condition: {gte: 3}
tests:
  - {name: one, event: {eventName: AssumeRole, userIdentity: {arn: a}}, fire: false}
  - name: file and one more
    events: [two.json, {eventName: AssumeRole, userIdentity: {type: IAMUser, arn: 'arn:aws:iam::111122223333:user/a', userName: a, accountId: '111122223333'}}]
    fire: true
  - name: late
    events:
      - two.json
      - {eventName: AssumeRole, eventTime: '2026-02-01T00:00:00Z', userIdentity: {type: IAMUser, arn: 'arn:aws:iam::111122223333:user/a', userName: a, accountId: '111122223333'}}
    fire: false
---
title: Old
id: old
status: deprecated
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: X}, condition: s}
tests:
  - {name: off, event: {eventName: X}, fire: true}
`

const user = `{"eventName":"AssumeRole","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/a","userName":"a","accountId":"111122223333"}}`

func TestRun(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(user)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{
		"two.json.gz": {Data: packed.Bytes()},
		"x.yml":       {Data: []byte(testRules)},
		"two.json":    {Data: []byte(`{"Records":[` + user + `,` + user + `]}`)},
	}
	rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{Shipped: fstest.MapFS{"x.yml": files["x.yml"]}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	var got []string
	for i := range rs.Rules {
		for _, r := range Run(t.Context(), rs, i, files) {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s: %s:%d %v %v", rs.Rules[i].ID, r.Name, r.Line, r.Passed(), text(r.Err))))
		}
	}
	want := []string{
		"assumed: serves others only:9 true",
		"assumed: wrong:10 false",
		"assumed: text:11 true",
		"assumed: empty:12 true",
		"assumed: file:13 true",
		"assumed: packed:14 true",
		`assumed: outside:15 false cannot open events "../two.json": the file must lie in the folder of the rule`,
		`assumed: no file:16 false cannot open events "none.json": file does not exist`,
		"old: off:45 true",
		"often: one:28 true",
		"often: file and one more:29 true",
		"often: late:32 true",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

const splTests = `
name: Created
id: created
type: TTP
search: sourcetype=aws:cloudtrail eventName=CreateUser | table _time, user
tests:
  - {name: call, event: {eventName: CreateUser}, fire: true}
  - name: Splunk's own
    attack_data: [{data: 'https://example.com/x.log', sourcetype: 'aws:cloudtrail'}]
  - {name: other, event: '{"eventName":"GetUser"}', fire: false}
  - {name: wrong, event: {eventName: GetUser}, fire: true}
---
name: Counted
id: counted
type: TTP
schedule: {every: 1h}
search: sourcetype=aws:cloudtrail eventName=CreateUser | stats count by user_arn | where count > 1
tests:
  - {name: twice, events: [two.json], fire: true}
  - {name: once, event: {eventName: CreateUser}, fire: false}
  - name: in two hours
    events: [{eventTime: '2026-01-01T00:10:00Z', eventName: CreateUser, userIdentity: {arn: a}}, {eventTime: '2026-01-01T01:10:00Z', eventName: CreateUser, userIdentity: {arn: a}}]
    fire: false
  - {name: repeated, event: {eventName: CreateUser, repeat: 2}, fire: true}
  - {name: hourly, event: {eventName: CreateUser, repeat: 3, every: 1h}, fire: false}
---
name: Kept
id: kept
type: Baseline
search: sourcetype=aws:cloudtrail | stats count by user | outputlookup x.csv
tests:
  - {name: none, event: {eventName: X}, fire: true}
`

// TestSearches runs the tests of SPL rules: filters and searches over several events.
func TestSearches(t *testing.T) {
	files := fstest.MapFS{"x.yml": {Data: []byte(splTests)}, "two.json": {Data: []byte(strings.ReplaceAll(`{"Records":[`+user+`,`+user+`]}`, "AssumeRole", "CreateUser"))}}
	rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{
		Shipped: fstest.MapFS{"x.yml": files["x.yml"]}, Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	var got []string
	for i := range rs.Rules {
		for _, r := range Run(t.Context(), rs, i, files) {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s: %s:%d %v %v", rs.Rules[i].ID, r.Name, r.Line, r.Passed(), text(r.Err))))
		}
	}
	want := []string{
		"created: call:7 true",
		"created: other:10 true",
		"created: wrong:11 false",
		"counted: twice:19 true",
		"counted: once:20 true",
		"counted: in two hours:21 true",
		"counted: repeated:24 true",
		"counted: hourly:25 true",
		"kept: none:32 false the search writes a lookup; such rules have no tests",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
