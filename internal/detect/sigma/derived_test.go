package sigma

import (
	"fmt"
	"strings"
	"testing"
)

// TestDerived: a detection may test fields that follow from the record, beside those of
// the record itself.
func TestDerived(t *testing.T) {
	raw := []byte(`{"eventVersion":"1.11","eventTime":"2026-01-06T10:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"eu-west-1",
		"sourceIPAddress":"203.0.113.9","userAgent":"aws-cli/2.15.0 Python/3.11","errorCode":"Client.UnauthorizedOperation","src_kind":"said by the caller",
		"resources":[{"ARN":"arn:aws:s3:::one"},{"ARN":"arn:aws:s3:::two"}],"bluetrail":{"src_kind":"forged"}}`)
	tests := []struct {
		selection string
		fires     bool
	}{
		{"bluetrail.outcome: denied", true},
		{"bluetrail.outcome: success", false},
		{"bluetrail.outcome|neq: success", true},
		{"bluetrail.src_kind: public", true},
		{"bluetrail.src_kind: forged", false},
		{"src_kind: public", false}, // a plain name is the record's own
		{"src_kind: said by the caller", true},
		{"bluetrail.ua_tool|startswith: AWS-", true},
		{"bluetrail.ua_tool|re: '^aws-cli$'", true},
		{"bluetrail.ua_tool|exists: true", true},
		{"bluetrail.src_ip|cidr: 203.0.113.0/24", true},
		{"bluetrail.src_ip|fieldref: sourceIPAddress", true},
		{"sourceIPAddress|fieldref: bluetrail.src_ip", true},
		{"sourceIPAddress|fieldref: bluetrail.ua_tool", false},
		{"bluetrail.tls_version: null", true},
		{"bluetrail.tls_version|exists: false", true},
		// after a walk through the record
		{"{awsRegion: eu-west-1, bluetrail.outcome: denied, resources.ARN|endswith: two, bluetrail.src_kind: public}", true},
	}
	var rules []string
	for i, tt := range tests {
		selection := strings.Replace(tt.selection, "tls_version", "user_group_id", 1)
		if !strings.HasPrefix(selection, "{") {
			selection = "\n    " + selection
		}
		rules = append(rules, fmt.Sprintf("title: %d\nid: r%d\nlevel: low\nlogsource: {product: aws}\ndetection:\n  s: %s\n  condition: s\n", i, i, selection))
	}
	c := load(t, nil, strings.Join(rules, "---\n"))
	e := NewSet(c.Rules).NewEvaluator()
	for round := range 2 {
		fired := map[int]bool{}
		e.Evaluate(raw, "ec2.amazonaws.com", "RunInstances", func(i int) { fired[i] = true })
		for i, tt := range tests {
			if fired[i] != tt.fires {
				t.Errorf("round %d: %s: fires %v", round, tt.selection, fired[i])
			}
			if why := Explain(c.Rules[i], raw); why.Fires != tt.fires {
				t.Errorf("%s: explained as\n%s", tt.selection, why)
			}
		}
		// Nothing stays of the event before.
		e.Evaluate([]byte(`{"eventName":"RunInstances","eventSource":"ec2.amazonaws.com","sourceIPAddress":"10.0.0.1"}`), "ec2.amazonaws.com", "RunInstances", func(i int) {
			if tests[i].fires && strings.Contains(tests[i].selection, "public") {
				t.Errorf("%s fires on an event of a private address", tests[i].selection)
			}
		})
	}
	if why := Explain(c.Rules[0], raw).String(); !strings.Contains(why, "+ bluetrail.outcome: denied  [denied]") {
		t.Error(why)
	}
	for _, r := range c.Rules {
		for _, f := range r.UnknownFields() {
			if !strings.Contains(f, "src_kind") { // the plain name, which no record has
				t.Error(f)
			}
		}
	}
}

// TestDerivedCostsNothing: records are derived from only when a rule asks.
func TestDerivedCostsNothing(t *testing.T) {
	plain := load(t, nil, ruleOf("s: {eventName: A}\ncondition: s"))
	if e := NewSet(plain.Rules).NewEvaluator(); e.record.derived != nil {
		t.Error("rules without derived fields derive some")
	}
	c := load(t, nil, ruleOf("s: {eventName: A, awsRegion: eu-west-1, bluetrail.outcome: denied}\ncondition: s"))
	e := NewSet(c.Rules).NewEvaluator()
	for _, raw := range []string{`{"eventName":"B","awsRegion":"eu-west-1"}`, `{"eventName":"A","awsRegion":"eu-west-2"}`} {
		e.Evaluate([]byte(raw), "s3.amazonaws.com", raw[14:15], func(int) { t.Errorf("%s fires", raw) })
		if e.record.derived.done {
			t.Errorf("%s was derived from though an earlier test fails", raw)
		}
	}
}

func TestDerivedRefused(t *testing.T) {
	tests := []struct{ test, want, hint string }{
		{"bluetrail.outcom: denied", "there is no derived field outcom", "did you mean bluetrail.outcome?"},
		{"bluetrail.zzzzzzzzzzzz: a", "there is no derived field zzzzzzzzzzzz", "docs/fields.md"},
		{"bluetrail.actor: a", "depends on other events", "group-by"},
		{"bluetrail.session_id: a", "depends on other events", "group-by"},
		{"bluetrail.index: a", "only the record", ""},
		{"bluetrail.eventName: a", "a field of the record", "write eventName"},
		{"eventName|fieldref: bluetrail.outcom", "there is no derived field outcom", "did you mean bluetrail.outcome?"},
		{"resources[any]: {bluetrail.outcome: denied}", "belongs to the whole event", "selection of its own"},
		{"bluetrail.outcome[any]: {a: b}", "has no elements", "test it as bluetrail.outcome"},
	}
	for _, tt := range tests {
		c := NewCollection(nil)
		c.Add("r.yml", []byte("title: A\nlevel: low\nsigma-version: 3\nlogsource: {product: aws}\ndetection:\n  s:\n    "+tt.test+"\n  condition: s\n"))
		c.Link()
		if len(c.Faults) != 1 || !strings.Contains(c.Faults[0].Reason(), tt.want) || !strings.Contains(c.Faults[0].Reason(), tt.hint) || c.Faults[0].Line != 7 {
			t.Errorf("%s: %v", tt.test, c.Faults)
		}
	}
}
