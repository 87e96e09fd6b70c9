package sigma

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExplain(t *testing.T) {
	c := load(t, nil, `title: test
name: test
level: low
logsource: {product: aws, service: cloudtrail}
detection:
  call:
    eventName: [CreateUser, CreateRole]
    errorCode: null
  who_a: {userIdentity.arn|contains: ':user/'}
  who_b:
    - {resources.ARN|endswith: x}
    - {gone: '', size|gte: 5}
  word: [evil]
  condition: call and not (1 of who_* or word)
`, "title: no admins\nlogsource: {product: aws, service: cloudtrail}\nfilter: {rules: any, s: {readOnly: true}, condition: not s}\n")
	raw := []byte(`{"eventName":"CreateRole","errorCode":null,"userIdentity":{"arn":"a\u0007b"},"resources":[{"ARN":"y"},{"ARN":"z"}],"size":4}`)
	e := Explain(c.Rules[0], raw)
	if !e.Fires || len(fires(NewSet(c.Rules), string(raw))) != 1 {
		t.Error("the rule does not fire")
	}
	want := `+ and
  + call
    + eventName: CreateUser, CreateRole  [CreateRole]
    + errorCode: null  [null]
  + not
    - or
      - 1 of who_*
        - who_a
          - userIdentity.arn|contains: :user/  [a\x07b]
        - who_b
          - alternative 1
            - resources.ARN|endswith: x  [y, z]
          - alternative 2
            - gone: ""  [not in the event]
            - size|gte: 5  [4]
      - word
        - keywords: evil
+ filter no admins
  + not
    - s
      - readOnly: true  [not in the event]
`
	if d := cmp.Diff(want, e.String()); d != "" {
		t.Error(d)
	}
	if e := Explain(c.Rules[0], []byte(`{"eventName":"CreateRole","readOnly":true}`)); e.Fires || !e.Condition.Holds || e.Filters[0].Holds {
		t.Errorf("a filter that holds back: %s", e)
	}
}

// TestExplainIsBounded: what it shows of an event and of a rule does not grow with
// them.
func TestExplainIsBounded(t *testing.T) {
	values := strings.Repeat("v"+strings.Repeat("x", 1000)+", ", 1000)
	c := load(t, nil, ruleOf("s:\n  a: ["+strings.TrimSuffix(values, ", ")+"]\ncondition: s"))
	s := Explain(c.Rules[0], []byte(`{"a":[`+strings.Repeat(`"`+strings.Repeat("y", 10_000)+`",`, 100)+`1]}`)).String()
	if len(s) > 20_000 || !strings.Contains(s, "990 more") || !strings.Contains(s, "81 more") {
		t.Errorf("%d bytes: %.300s", len(s), s)
	}
}

func TestUnknownFields(t *testing.T) {
	tests := []struct{ name, want string }{
		{"eventName", ""},
		{"userIdentity", ""},
		{"userIdentity.sessionContext", ""},
		{"requestParameters.anything.at.all", ""},
		{"resources.ARN", ""},
		{"eventname", "case-sensitive: eventName"},
		{"userIdentity.arm", "userIdentity.arn"},
		{"user_name", "it is derived: write bluetrail.user_name"},
		{"actor", "searches derive it"},
		{"bluetrail.user_name", ""},
		{"resources{}.ARN", "without braces: resources.ARN"},
		{"requestParameters.items{}.x", "without braces: requestParameters.items.x"},
		{"Image", `no CloudTrail record has the field "Image"`},
	}
	for _, tt := range tests {
		if got := UnknownField(tt.name); got == "" != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	c := load(t, nil, ruleOf("s:\n  eventName|fieldref: sourceIp\n  nope: 1\nt: [word]\ncondition: s or t"))
	if got := c.Rules[0].UnknownFields(); len(got) != 2 || !strings.Contains(got[1], "nope") {
		t.Errorf("%q", got)
	}
}

func TestUnknownGroupFields(t *testing.T) {
	tests := []struct{ name, want string }{
		{"actor", ""},
		{"session_id", ""},
		{"src", ""},
		{"outcome", ""},
		{"object", ""},
		{"user_arn", ""},
		{"awsRegion", ""},
		{"userIdentity.arn", ""},
		{"requestParameters.bucketName", ""},
		{"acter", `no event has the field "acter"; did you mean "actor"`},
		{"Actor", "case-sensitive: actor"},
		{"awsregion", "case-sensitive: awsRegion"},
		{"resources{}.ARN", "without braces: resources.ARN"},
		{"bluetrail.src", `only detections write bluetrail., here it is src`},
		{"bluetrail.nope", `no event has the field "bluetrail.nope"`},
		{"CommandLine", `no event has the field "CommandLine"`},
		{"index", `no event has the field "index"`},
	}
	for _, tt := range tests {
		if got := UnknownGroupField(tt.name); got == "" != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	c := load(t, nil, `
title: A
name: a
level: low
entity: [actor, usr_arn]
logsource: {product: aws}
detection: {s: {eventName: A}, condition: s}
---
title: B
level: low
entity: acter
correlation:
  type: value_count
  rules: [a]
  aliases: {who: {a: userIdentity.arm}}
  group-by: [who, src]
  timespan: 1h
  condition: {field: objekt, gte: 3}
---
title: C
level: low
correlation: {type: first_seen, rules: [a], group-by: [actor], fields: [awsRegion, regoin]}
`)
	var got []string
	got = append(got, c.Rules[0].UnknownFields()...)
	for _, r := range c.Correlations {
		got = append(got, r.UnknownFields()...)
	}
	want := []string{`entity: no event has the field "usr_arn"`, `group-by: no event has the field "userIdentity.arm"`, `condition: no event has the field "objekt"`, `entity: no event has the field "acter"`, `fields: no event has the field "regoin"`}
	if len(got) != len(want) {
		t.Fatalf("%q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
}
