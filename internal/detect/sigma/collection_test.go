package sigma

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/rule"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// loadFolder loads testdata/rules.
func loadFolder(t testing.TB) *Collection {
	t.Helper()
	files, err := filepath.Glob("testdata/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	c := NewCollection(nil)
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c.Add(filepath.Base(f), data)
	}
	c.Link()
	return c
}

// TestFolder loads rules as public collections have them: what cannot be used is named
// and stops nothing else.
func TestFolder(t *testing.T) {
	c := loadFolder(t)
	var rules, correlations, others, faults []string
	for _, r := range c.Rules {
		rules = append(rules, r.Title)
	}
	for _, r := range c.Correlations {
		correlations = append(correlations, r.Title)
	}
	for _, o := range c.Others {
		others = append(others, o.Title+": "+o.Logsource.String())
	}
	for _, f := range c.Faults {
		faults = append(faults, fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Reason()))
	}
	for _, tt := range []struct{ got, want []string }{
		{rules, []string{
			"Works Beside a Broken One", "Console Login Failed", "Console Login", "Security Group Open to the World", "Known Attack Tool in the Record",
			"Call From Outside the Office at Night", "Access Key Created for Another User", "Root Made a Change", "CloudTrail Logging Stopped or Deleted", "Script in User Data",
		}},
		{correlations, []string{"Many Failed Logins", "Login After Many Failures", "First Login From This Address"}},
		{others, []string{"Process Started: product=windows category=process_creation", "Flow to a Bad Address: product=aws service=vpcflow"}},
		{faults, []string{
			`broken.yml:3: cannot read YAML: ',' or '}' must be specified in "detection:"`,
			`broken.yml:11: the rule has no detection`,
			`broken.yml:14: the rule has no title`,
			`broken.yml:20: level "severe" is not known (levels are informational, low, medium, high and critical)`,
			`broken.yml:24: there is no selection "selecton" (did you mean "selection"?)`,
			`broken.yml:29: the key "eventName" appears twice`,
			`network.yml:12: expected them, or a pattern such as selection*, after of`,
			`v1.yml:5: aggregations in a condition belong to Sigma 1 and are no longer supported (write a correlation rule of type event_count, or value_count when it counts the values of a field)`,
			`v1.yml:12: timeframe belongs to Sigma 1 and is no longer supported (write a correlation with a timespan)`,
			`v1.yml:16: action: global belongs to Sigma 1 and is no longer supported (write the shared keys into each rule)`,
			`v1.yml:25: aggregations in a condition belong to Sigma 1 and are no longer supported (write a correlation rule of type temporal)`,
		}},
	} {
		if d := cmp.Diff(tt.want, tt.got); d != "" {
			t.Error(d)
		}
	}
	for _, r := range c.Rules {
		if fields := r.UnknownFields(); len(fields) > 0 {
			t.Errorf("%s: %q", r.Title, fields)
		}
	}
	night, stopped, root := c.Rules[5], c.Rules[8], c.Rules[7]
	if len(night.filters) != 1 || !strings.Contains(strings.Join(c.Filters[0].Warnings, ""), "by its title") {
		t.Errorf("the filter: %d of them, warnings %q", len(night.filters), c.Filters[0].Warnings)
	}
	if root.Severity != rule.Medium || !slices.Contains(root.Warnings, "no level: medium is assumed") {
		t.Errorf("without a level: %s %q", root.Severity, root.Warnings)
	}
	if got := stopped.Mitre(); !slices.Equal(got, []string{"T1562.008"}) || stopped.Line != 1 || stopped.Date != "2026-01-05" || stopped.Kind != rule.Event {
		t.Errorf("header %+v", stopped.Header)
	}
}

// TestFolderFires runs the tests in the rules of testdata/rules.
func TestFolderFires(t *testing.T) {
	c := loadFolder(t)
	set := NewSet(c.Rules)
	tested := 0
	for i, r := range c.Rules {
		for _, test := range r.Tests {
			for _, raw := range recordsOf(t, test) {
				tested++
				if got := slices.Contains(fires(set, string(raw)), i); got != test.Fire {
					t.Errorf("%s:%d: %s on %s: fires %v\n%s", r.File, test.Line, r.Title, raw, got, Explain(r, raw))
				}
			}
		}
	}
	if tested < 20 {
		t.Errorf("%d events", tested)
	}
}

// recordsOf returns the records that a test describes, without those in files.
func recordsOf(t *testing.T, test Test) (out [][]byte) {
	t.Helper()
	for _, e := range test.Events {
		switch {
		case e.Record != nil:
			out = append(out, e.Record)
		case e.Example != nil:
			err := e.Example.Each(func(raw []byte, _ time.Duration) error {
				out = append(out, raw)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	return out
}

func TestHeaderKeys(t *testing.T) {
	c := load(t, nil, ruleOf("s: {a: 1}\ncondition: s")+`entity: [userIdentity.arn, src]
window: 30m
message: '%actor% did it'
investigate: index=aws actor=x
data: [management, everything]
author: [A, B]
related: [{id: 1-2, type: similar}]
tests: [{name: one, events: [a.json.gz, '{"x": 1}', {x: [1, 0x10, null, 'q"']}], expect: false}]
`)
	r := c.Rules[0]
	want := rule.Info{
		Title: "test", Kind: rule.Event, Severity: rule.Low, Author: "A, B", Entity: []string{"userIdentity.arn", "src"}, Window: 1800e9,
		Message: "%actor% did it", Investigate: []string{"index=aws actor=x"}, Data: []string{"management", "everything"}, File: "0.yml", Line: 1,
	}
	if d := cmp.Diff(want, r.Info); d != "" {
		t.Error(d)
	}
	tests := []Test{{Name: "one", Line: 14, Events: []TestEvent{{File: "a.json.gz"}, {Record: []byte(`{"x": 1}`)}, {}}}}
	if d := cmp.Diff(tests, r.Tests, cmpopts.IgnoreFields(TestEvent{}, "Example")); d != "" {
		t.Error(d)
	}
	if last := string(recordsOf(t, r.Tests[0])[1]); !strings.Contains(last, `"x":[1,"0x10",null,"q\""]`) {
		t.Errorf("the last event is %s", last)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], `"everything"`) || !slices.Equal(r.Related, []string{"1-2"}) {
		t.Errorf("warnings %q, related %q", r.Warnings, r.Related)
	}
	for _, tt := range []struct{ line, want string }{
		{"tests: [{fire: true}]", "has no events"},
		{"tests: [{event: {a: 1}}]", "whether the rule must fire"},
		{"tests: [{event: '{', fire: true}]", "not valid JSON"},
		{"tests: [{event: {}, fire: maybe}]", "true or false"},
		{"tests: [{evnt: {}, fire: true}]", `no key "evnt"`},
		{"tests: {a: b}", "must be a list"},
		{"window: soon", "window must be a number and a unit"},
		{"title2: x\nname: [x]", "name must be a single value"},
	} {
		c := NewCollection(nil)
		c.Add("r.yml", []byte(ruleOf("s: {a: 1}\ncondition: s")+tt.line+"\n"))
		if len(c.Faults) != 1 || !strings.Contains(c.Faults[0].Reason(), tt.want) {
			t.Errorf("%s: %+v", tt.line, c.Faults)
		}
	}
}

// TestSameName: of two rules with one id or name, references mean the first.
func TestSameName(t *testing.T) {
	c := load(t, nil, threeRules, strings.ReplaceAll(threeRules, "Rule ", "Copy of "), correlationOf("type: event_count\nrules: c\ntimespan: 1h\ncondition: {gte: 2}"))
	if c.Correlations[0].Rules[0].Rule != 2 {
		t.Errorf("the reference means %+v", c.Correlations[0].Rules[0])
	}
	for i, r := range c.Rules {
		if got := len(r.Warnings); got != i/3 {
			t.Errorf("%s: warnings %q", r.Title, r.Warnings)
		}
	}
}

func TestFiltersThatMissTheirRules(t *testing.T) {
	c := NewCollection(nil)
	c.Add("rules.yml", []byte(threeRules))
	c.Add("c.yml", []byte(correlationOf("type: event_count\nrules: c\ntimespan: 1h\ncondition: {gte: 2}")))
	c.Add("f.yml", []byte("title: f\nlogsource: {product: aws}\nfilter:\n  rules:\n    - a\n    - zz\n    - test\n  s: {eventSource: x}\n  condition: not s\n"))
	c.Link()
	if len(c.Faults) != 2 || c.Faults[0].Line != 6 || c.Faults[1].Line != 7 || !strings.Contains(c.Faults[0].Reason(), `no rule "zz"`) || !strings.Contains(c.Faults[1].Reason(), "is a correlation") {
		t.Errorf("faults %v", c.Faults)
	}
	set := NewSet(c.Rules)
	if len(fires(set, `{"eventName":"A","eventSource":"x"}`)) != 0 || len(fires(set, `{"eventName":"A","eventSource":"y"}`)) != 1 || len(fires(set, `{"eventName":"B","eventSource":"x"}`)) != 1 {
		t.Error("the filter does not apply to the rule it finds, or to others")
	}
}

func TestManyFilters(t *testing.T) {
	doc := "---\ntitle: f\nlogsource: {product: aws}\nfilter: {rules: any, s: {a: 1}, condition: not s}\n"
	c := NewCollection(nil)
	c.Add("r.yml", []byte(strings.Repeat(doc, maxAnyFilters+2)))
	if len(c.Filters) != maxAnyFilters || len(c.Faults) != 2 || !strings.Contains(c.Faults[0].Reason(), "more than 500 filters") {
		t.Errorf("%d filters, faults %v", len(c.Filters), c.Faults)
	}
}
