package ruleset

import (
	"slices"
	"testing"
)

// TestWants: matches carry what their own rule and the correlations above it ask for, and
// no field that only other rules ask for.
func TestWants(t *testing.T) {
	const head = "logsource: {product: aws, service: cloudtrail}\ndetection: {a: {eventName: X}, condition: a}\n"
	rs, err := Load(t.Context(), []string{write(t, map[string]string{"rules.yml": "title: One\nname: one\n" + head + "fields: [requestParameters.own]\n---\n" +
		"title: Two\nname: two\n" + head + "entity: [src]\n---\n" +
		"title: Many\nname: many\ncorrelation: {type: value_count, rules: [one], group-by: [awsRegion], timespan: 1h, condition: {field: eventSource, gte: 2}}\n---\n" +
		"title: Both\nentity: [user]\ncorrelation: {type: temporal, rules: [many, two], group-by: [awsRegion], timespan: 1h}\n"})}, Options{})
	if err != nil || len(rs.Faults) > 0 || len(rs.Rules) != 4 {
		t.Fatal(err, rs.Faults, len(rs.Rules))
	}
	wants := rs.Wants()
	for title, want := range map[string][]string{
		"One": {"awsRegion", "eventSource", "requestParameters.own", "user"},
		"Two": {"awsRegion", "src", "user"},
	} {
		i := slices.IndexFunc(rs.Rules, func(r Rule) bool { return r.Title == title })
		var got []string
		for _, k := range wants[i] {
			got = append(got, rs.Wanted[k])
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", title, got, want)
		}
	}
}
