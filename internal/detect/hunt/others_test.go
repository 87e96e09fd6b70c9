package hunt

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"

	"github.com/google/go-cmp/cmp"
)

const otherRules = `
title: Anything denied
id: denied
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {errorCode: AccessDenied}, condition: s}
---
title: Word
id: word
level: low
logsource: {product: aws, service: cloudtrail}
detection: {keywords: [suspicious], condition: keywords}
`

// otherSearches look at JSON of all kinds: one event by event, one at all of them.
var otherSearches = map[string]string{
	"sigma.yml":  otherRules,
	"filter.yml": "name: Filter\nid: filter\ntype: TTP\nsearch: 'note=suspicious | table note'\n",
	"count.yml":  "name: Count\nid: counted\ntype: TTP\nsearch: 'note=suspicious | stats count by note'\n",
}

// TestOtherJSONIsNotTheTrail: JSON that is not CloudTrail's is counted apart, leaves
// the time range alone and fires no Sigma rule; searches see it.
func TestOtherJSONIsNotTheTrail(t *testing.T) {
	dir := pile(t, []string{
		`{"eventVersion":"1.08","eventTime":"2026-03-01T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","errorCode":"AccessDenied","eventID":"00000000-0000-4000-8000-000000000001","userIdentity":{"type":"Root","accountId":"111122223333"}}`,
		`{"eventVersion":"1.0","accountId":"111122223333","eventId":"00000000-0000-4000-8000-000000000002","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","timeWindow":{"windowStart":"2026-03-01T11:00:00Z","windowEnd":"2026-03-01T11:05:00Z","windowSize":"PT5M"},"summary":{}}`,
		`{"_time":"2026-03-01T12:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","errorCode":"AccessDenied"}`, // from another system
	}, 1)
	other := `{"name":"a","errorCode":"AccessDenied","note":"suspicious"}` + "\n" + `{"timestamp":"2020-01-01T00:00:00Z","errorCode":"AccessDenied"}` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "labels.jsonl"), []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	rules := t.TempDir()
	for name, text := range otherSearches {
		if err := os.WriteFile(filepath.Join(rules, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rs, err := ruleset.Load(t.Context(), []string{rules}, ruleset.Options{Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	res := run(t, rs, dir, 2, func(o *Options) {
		o.Search.Macros, o.Search.Knowledge = rs.Knowledge, rs.Knowledge
		o.TempDir, o.Disk = t.TempDir(), 1<<30
	})
	first, last := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if res.Events != 3 || res.Others != 2 || !res.First.Equal(first) || !res.Last.Equal(last) {
		t.Errorf("%d events from %v to %v, %d others", res.Events, res.First, res.Last, res.Others)
	}
	for _, f := range res.Faults {
		t.Error(f)
	}
	var got []string
	for _, f := range res.Findings {
		got = append(got, fmt.Sprintf("%s ×%d", f.RuleID, f.Count))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"counted ×1", "denied ×1", "denied ×1", "filter ×1"}, got); diff != "" {
		t.Error(diff)
	}
}
