package sigma

import (
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/rule"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const threeRules = `title: Rule A
name: a
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: A}, condition: s}
---
title: Rule B
id: 7e1c1a0e-0000-4000-8000-00000000000b
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: B}, condition: s}
---
title: Rule C
name: c
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: C}, condition: s}
`

func correlationOf(body string) string {
	return "title: test\nname: test\nlevel: high\ncorrelation:\n  " + strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n  ") + "\n"
}

func TestCorrelations(t *testing.T) {
	a, b, c := Ref{"a", 0, -1}, Ref{"7E1C1A0E-0000-4000-8000-00000000000B", 1, -1}, Ref{"c", 2, -1}
	day := 24 * time.Hour
	tests := []struct {
		body string
		want Correlation
	}{
		{"type: event_count\nrules: a\ngroup-by: [userIdentity.arn, src]\ntimespan: 15m\ncondition: {gte: 10}", Correlation{
			Type: EventCount, Rules: []Ref{a}, GroupBy: []string{"userIdentity.arn", "src"}, Timespan: 15 * time.Minute, Condition: Condition{Bounds: []Bound{{"gte", 10}}},
		}},
		{"type: event_count\nrules: [a, 7E1C1A0E-0000-4000-8000-00000000000B]\ntimespan: 30s\ncondition: {gt: 1, lte: 20.5}\ngenerate: true", Correlation{
			Type: EventCount, Rules: []Ref{a, b}, Timespan: 30 * time.Second, Condition: Condition{Bounds: []Bound{{"gt", 1}, {"lte", 20.5}}}, Generate: true,
		}},
		{"type: value_count\nrules: [a]\ngroup-by: actor\ntimespan: 1w\ncondition: {field: [awsRegion, eventName], neq: 3}", Correlation{
			Type: ValueCount, Rules: []Ref{a}, GroupBy: []string{"actor"}, Timespan: 7 * day, Condition: Condition{Bounds: []Bound{{"neq", 3}}, Fields: []string{"awsRegion", "eventName"}},
		}},
		{"type: value_percentile\nrules: [a]\ntimespan: 1M\ncondition: {field: n, gte: 5, percentile: 99.5}", Correlation{
			Type: ValuePercentile, Rules: []Ref{a}, Timespan: 30 * day, Condition: Condition{Bounds: []Bound{{"gte", 5}}, Fields: []string{"n"}, Percentile: 99.5},
		}},
		{"type: temporal_ordered\nrules: [a, c]\ntimespan: 1h\naliases:\n  who:\n    a: userIdentity.userName\n    c: requestParameters.userName\ngroup-by: [who]", Correlation{
			Type: TemporalOrdered, Rules: []Ref{a, c}, Timespan: time.Hour, GroupBy: []string{"who"}, Condition: Condition{Bounds: []Bound{{"gte", 2}}},
			Aliases: map[string][]string{"who": {"userIdentity.userName", "requestParameters.userName"}},
		}},
		{"type: first_seen\nrules: a\nfields: [userAgent, awsRegion]\nscope: actor\nlearning: 7d\nexpiry: never", Correlation{
			Type: FirstSeenType, Rules: []Ref{a}, GroupBy: []string{"actor"}, FirstSeen: FirstSeen{Fields: []string{"userAgent", "awsRegion"}, Learning: 7 * day},
		}},
		{"type: first_seen\nrules: a\nfields: awsRegion", Correlation{
			Type: FirstSeenType, Rules: []Ref{a}, FirstSeen: FirstSeen{Fields: []string{"awsRegion"}, Learning: DefaultLearning, Expiry: DefaultExpiry},
		}},
		{"type: absent\nrules: [a, c]\ngroup-by: actor\ntimespan: 12h", Correlation{
			Type: AbsentType, Rules: []Ref{a, c}, GroupBy: []string{"actor"}, Timespan: 12 * time.Hour,
		}},
	}
	for _, tt := range tests {
		coll := load(t, nil, threeRules, correlationOf(tt.body))
		got := *coll.Correlations[0]
		if got.Kind != shapes[got.Type].kind || got.Severity != rule.High {
			t.Errorf("%s: kind %s, severity %s", tt.body, got.Kind, got.Severity)
		}
		if d := cmp.Diff(tt.want, got, cmpopts.IgnoreTypes(Header{})); d != "" {
			t.Errorf("%s: %s", tt.body, d)
		}
	}
}

func TestCorrelationExpression(t *testing.T) {
	coll := load(t, nil, threeRules, correlationOf("type: temporal\nrules: [a, c, test2]\ntimespan: 1h\ncondition: (a or test2) and not c"),
		strings.Replace(correlationOf("type: event_count\nrules: [Rule B]\ntimespan: 1h\ncondition: {gte: 2}"), "name: test", "name: test2", 1))
	r := coll.Correlations[0]
	if !r.Expr.Holds(func(i int) bool { return i == 0 }) || r.Expr.Holds(func(i int) bool { return i != 2 }) || !r.Expr.Holds(func(i int) bool { return i == 2 }) {
		t.Error("the expression is read wrong")
	}
	if r.Rules[2] != (Ref{"test2", -1, 1}) {
		t.Errorf("reference to a correlation: %+v", r.Rules[2])
	}
	if w := coll.Correlations[1].Warnings; len(w) != 1 || !strings.Contains(w[0], `"Rule B" by its title`) {
		t.Errorf("warnings %q", w)
	}
	rules, correlations := coll.Silent()
	if !slices.Equal(rules, []bool{true, true, true}) || !slices.Equal(correlations, []bool{false, true}) {
		t.Errorf("silent: %v %v", rules, correlations)
	}
}

func TestCorrelationsRefused(t *testing.T) {
	tests := []struct {
		body string
		line int
		want string
	}{
		{"rules: a\ntimespan: 1h", 5, "has no type"},
		{"type: event_counts\nrules: a", 5, "types are absent, event_count, first_seen, temporal"},
		{"type: event_count\ntimespan: 1h\ncondition: {gte: 1}", 5, "names no rules"},
		{"type: event_count\nrules: a\ncondition: {gte: 1}", 5, "no timespan"},
		{"type: event_count\nrules: a\ntimespan: 1x\ncondition: {gte: 1}", 7, "timespan must be"},
		{"type: event_count\nrules: a\ntimespan: 99999y\ncondition: {gte: 1}", 7, "20 years"},
		{"type: event_count\nrules: a\ntimespan: 1h", 5, "has no condition"},
		{"type: event_count\nrules: a\ntimespan: 1h\ncondition: {gte: x}", 8, "gte needs a number"},
		{"type: event_count\nrules: a\ntimespan: 1h\ncondition: {gt: 5, lt: 3}", 8, "no number satisfies"},
		{"type: event_count\nrules: a\ntimespan: 1h\ncondition: {least: 5}", 8, `no key "least"`},
		{"type: event_count\nrules: a\ntimespan: 1h\ncondition: {field: x, gte: 5}", 8, "has no field"},
		{"type: event_count\nrules: a\ntimespan: 1h\ncondition: a and c", 8, "must be a comparison"},
		{"type: value_count\nrules: a\ntimespan: 1h\ncondition: {gte: 5}", 8, "needs a field"},
		{"type: value_sum\nrules: a\ntimespan: 1h\ncondition: {field: [x, y], gte: 5}", 8, "looks at one field"},
		{"type: temporal\nrules: a\ntimespan: 1h", 6, "at least 2 rules"},
		{"type: temporal\nrules: [a, c]\ntimespan: 1h\ncondition: a and d", 8, `no rule "d"`},
		{"type: temporal\nrules: [a, c]\ntimespan: 1h\ncondition: not a", 8, "holds without any event"},
		{"type: temporal\nrules: [a, zz]\ntimespan: 1h", 6, `no rule "zz"`},
		{"type: temporal\nrules: [a, c]\ntimespan: 1h\naliases: {x: {b: y}}", 8, "not among the rules"},
		{"type: temporal\nrules: [a, c]\ntimespan: 1h\nfields: x", 8, `has no key "fields"`},
		{"type: temporal\nrules: [a, c]\ntimespan: 1h\ngroup_by: x", 8, `group-by`},
		{"type: first_seen\nrules: a", 5, "which fields to remember"},
		{"type: first_seen\nrules: a\nfields: x\ntimespan: 1d", 8, "no timespan"},
		{"type: first_seen\nrules: a\nfields: x\ncondition: {gte: 1}", 8, "has no condition"},
		{"type: absent\nrules: a\ntimespan: 1h", 6, "at least 2 rules"},
		{"type: event_count\nrules: test\ntimespan: 1h\ncondition: {gte: 1}", 6, "in a circle: test → test"},
	}
	for _, tt := range tests {
		c := NewCollection(nil)
		c.Add("rules.yml", []byte(threeRules))
		c.Add("c.yml", []byte(correlationOf(tt.body)))
		c.Link()
		if len(c.Faults) != 1 || len(c.Correlations) != 0 || c.Faults[0].File != "c.yml" || c.Faults[0].Line != tt.line || !strings.Contains(c.Faults[0].Reason(), tt.want) {
			t.Errorf("%s: faults %+v, want %q in line %d", tt.body, c.Faults, tt.want, tt.line)
		}
	}
}

// TestBrokenCorrelations: a circle takes those with it that depend on it, and no
// other; positions are those of what remains.
func TestBrokenCorrelations(t *testing.T) {
	var b strings.Builder
	for _, r := range [][2]string{{"first", "a"}, {"x", "y"}, {"y", "z"}, {"z", "x"}, {"on", "y"}, {"last", "first"}} {
		b.WriteString("title: " + r[0] + "\nname: " + r[0] + "\nlevel: low\ncorrelation: {type: event_count, rules: [" + r[1] + "], timespan: 1h, condition: {gte: 2}}\n---\n")
	}
	c := NewCollection(nil)
	c.Add("rules.yml", []byte(threeRules))
	c.Add("c.yml", []byte(b.String()))
	c.Link()
	if len(c.Correlations) != 2 || c.Correlations[1].Name != "last" || c.Correlations[1].Rules[0].Correlation != 0 {
		t.Errorf("kept %+v", c.Correlations)
	}
	var reasons []string
	for _, f := range c.Faults {
		reasons = append(reasons, f.Err.Error())
	}
	want := []string{
		`c.yml:9:42: the correlation "y" could not be loaded`,
		`c.yml:14:42: the correlation "z" could not be loaded`,
		`c.yml:19:42: correlations refer to each other in a circle: x → y → z → x`,
		`c.yml:24:42: the correlation "y" could not be loaded`,
	}
	if d := cmp.Diff(want, reasons); d != "" {
		t.Error(d)
	}
}
