package sigma

import "testing"

// TestIndexBySource: a rule with a cheaper way to be found is not found by a field of
// the parameters, for which each record would be walked.
func TestIndexBySource(t *testing.T) {
	sources := &needs{}
	for _, s := range []string{"iam", "organizations", "sso", "kms", "s3", "secretsmanager", "lambda"} {
		sources.keys = append(sources.keys, (&test{field: eventSource}).indexKey(s+".amazonaws.com"))
	}
	detail := &needs{keys: []indexKey{(&test{field: "requestParameters.omitted"}).indexKey("true")}}
	agent := &needs{keys: []indexKey{(&test{field: "userIdentity.type"}).indexKey("root")}}
	for name, tc := range map[string]struct{ a, b, want *needs }{
		"a detail and seven services": {detail, sources, sources},
		"a detail and a common field": {detail, agent, agent},
		"a detail and nothing":        {detail, nil, detail},
	} {
		if got := better(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
		if got := better(tc.b, tc.a); got != tc.want {
			t.Errorf("%s, the other way round: %v", name, got)
		}
	}
}
