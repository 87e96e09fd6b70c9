package tune

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/spill"
	"bluetrail/internal/store/files"

	"github.com/google/go-cmp/cmp"
)

const testRules = `
title: Bucket policy written
id: policy
name: policy
level: medium
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: PutBucketPolicy}, condition: s}
---
title: Many policies
id: many
level: high
correlation: {type: event_count, rules: [policy], group-by: [userIdentity.arn], timespan: 1h, generate: true, condition: {gte: 3}}
`

const absentRules = `---
title: Policy without a login
id: absent
level: high
correlation: {type: absent, rules: [login, policy], group-by: [userIdentity.arn], timespan: 1h, generate: true}
---
title: Login
name: login
id: login
level: low
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ConsoleLogin}, condition: s}
`

// call is one PutBucketPolicy.
type call struct {
	arn, ip, agent, bucket string
	hours                  int // after the first
}

func (c call) record(n int) string {
	issuer := ""
	if rest, ok := strings.CutPrefix(c.arn, "arn:aws:sts::111122223333:assumed-role/"); ok {
		role, _, _ := strings.Cut(rest, "/")
		issuer = fmt.Sprintf(`,"sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::111122223333:role/%s"}}`, role)
	}
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	return fmt.Sprintf(`{"eventVersion":"1.08","eventID":%q,"eventTime":%q,"eventName":"PutBucketPolicy","eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","recipientAccountId":"111122223333",`+
		`"userIdentity":{"type":"IAMUser","accountId":"111122223333","arn":%s%s},"sourceIPAddress":%q,"userAgent":%s,"requestParameters":{"bucketName":%s,"clientToken":"t%d"}}`,
		id(n), time.Date(2026, 3, 1, c.hours, n, 0, 0, time.UTC).Format(time.RFC3339), quoted(c.arn), issuer, c.ip, quoted(c.agent), quoted(c.bucket), n)
}

func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// tuneRule runs the tuning of a rule over calls. bad and good are the calls whose
// findings are marked.
func tuneRule(t *testing.T, rule string, calls []call, bad, good []int) (*Result, error) {
	t.Helper()
	var records []string
	for n, c := range calls {
		records = append(records, c.record(n))
	}
	trail := filepath.Join(t.TempDir(), "a.json")
	if err := os.WriteFile(trail, []byte(`{"Records":[`+strings.Join(records, ",")+`]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	load := func(filter string) (*ruleset.Ruleset, error) {
		text := testRules
		if rule == "absent" {
			text += absentRules
		}
		shipped := fstest.MapFS{"a.yml": {Data: []byte(text)}}
		if filter != "" {
			shipped["b.yml"] = &fstest.MapFile{Data: []byte(filter)}
		}
		rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{Shipped: shipped})
		if err == nil && len(rs.Faults) > 0 {
			t.Errorf("%v\n%s", rs.Faults, filter)
		}
		return rs, err
	}
	rs, err := load("")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Rules: rs, Position: rs.Find(rule), Reload: load}
	o.Hunt = func(rs *ruleset.Ruleset, change func(*hunt.Options)) (*hunt.Result, error) {
		st, err := files.Open([]string{trail}, files.Options{Workers: 2, TempDir: t.TempDir()})
		if err != nil {
			return nil, err
		}
		h := hunt.Options{Rules: rs, Records: st, Space: spill.NewSpace(t.TempDir(), 1<<30)}
		change(&h)
		return hunt.Run(t.Context(), h)
	}
	all, err := o.Hunt(rs.Only(o.Position), func(*hunt.Options) {})
	if err != nil {
		t.Fatal(err)
	}
	mark := func(calls []int) (list []Marked) {
		for _, f := range all.Findings {
			for _, n := range calls {
				if f.RuleID == rule && len(f.EventIDs) > 0 && f.EventIDs[0] == id(n) {
					list = append(list, Marked{f.ID, f.RuleID, f.EventIDs})
				}
			}
		}
		if len(list) != len(calls) {
			t.Fatalf("%d findings begin with the calls %v", len(list), calls)
		}
		return list
	}
	o.False, o.True = mark(bad), mark(good)
	return Run(o)
}

const (
	users = "arn:aws:iam::111122223333:user/"
	roles = "arn:aws:sts::111122223333:assumed-role/"
)

func TestRun(t *testing.T) {
	for _, c := range []struct {
		name      string
		rule      string
		calls     []call
		bad, good []int
		filter    string // its exceptions, "" = none
		covered   int
		hides     int
		warning   string // the beginning of the first
		why       string
	}{
		{
			name: "one user", rule: "policy",
			calls: []call{{users + "robot", "198.51.100.7", "x", "a", 0}, {users + "robot", "198.51.100.9", "x", "b", 2}, {users + "eve", "203.0.113.9", "x", "a", 4}},
			bad:   []int{0, 1}, good: []int{2},
			filter: "userIdentity.arn: 'arn:aws:iam::111122223333:user/robot'", covered: 2,
		},
		{
			name: "sessions of a role, not their names", rule: "policy",
			calls: []call{{roles + "deploy/ci-1", "198.51.100.7", "x", "a", 0}, {roles + "deploy/ci-2", "198.51.100.9", "x", "b", 2}, {users + "eve", "203.0.113.9", "x", "a", 4}},
			bad:   []int{0, 1}, good: []int{2},
			filter: "userIdentity.sessionContext.sessionIssuer.arn: 'arn:aws:iam::111122223333:role/deploy'", covered: 2,
		},
		{
			name: "the role is used by hand, too", rule: "policy",
			calls: []call{{roles + "deploy/ci-1", "198.51.100.7", "x", "a", 0}, {roles + "deploy/ci-2", "198.51.100.9", "y", "b", 2}, {roles + "deploy/eve", "203.0.113.9", "x", "c", 4}},
			bad:   []int{0, 1}, good: []int{2},
			filter: "userIdentity.arn|startswith: 'arn:aws:sts::111122223333:assumed-role/deploy/ci-'", covered: 2,
		},
		{
			name: "a network", rule: "policy",
			calls: []call{{users + "a", "198.51.100.7", "x", "a", 0}, {users + "a", "198.51.100.9", "y", "b", 2}, {users + "a", "203.0.113.9", "x", "c", 4}},
			bad:   []int{0, 1}, good: []int{2},
			filter: "userIdentity.arn: 'arn:aws:iam::111122223333:user/a' sourceIPAddress|cidr: '198.51.100.0/24'", covered: 2,
		},
		{
			name: "pairs that occur, not all combinations", rule: "policy",
			calls: []call{{users + "a", "198.51.100.7", "x", "b", 0}, {users + "b", "203.0.113.9", "x", "b", 2}, {users + "a", "203.0.113.9", "x", "b", 4}, {users + "b", "198.51.100.7", "x", "b", 6}},
			bad:   []int{0, 1}, good: []int{2, 3},
			filter: "userIdentity.arn: 'arn:aws:iam::111122223333:user/a' sourceIPAddress: '198.51.100.7' userIdentity.arn: 'arn:aws:iam::111122223333:user/b' sourceIPAddress: '203.0.113.9'", covered: 2,
		},
		{
			name: "only the user agent tells them apart", rule: "policy",
			calls: []call{
				{users + "a", "198.51.1.1", "robot/1", "b", 0}, {users + "b", "198.51.2.1", "robot/1", "b", 2}, {users + "c", "198.51.3.1", "robot/1", "b", 4}, {users + "d", "198.51.4.1", "robot/1", "b", 6},
				{users + "e", "198.51.5.1", "robot/1", "b", 8}, {users + "f", "198.51.6.1", "robot/1", "b", 10}, {users + "g", "198.51.100.7", "x", "b", 12},
			},
			bad: []int{0, 1, 2, 3, 4, 5}, good: []int{6},
			filter: "userAgent: 'robot/1'", covered: 6, warning: "the filter tests only what callers write as they like (userAgent)",
		},
		{
			name: "nothing tells them apart", rule: "policy",
			calls: []call{{users + "a", "198.51.100.7", "x", "b", 0}, {users + "a", "198.51.100.7", "x", "b", 2}},
			bad:   []int{0}, good: []int{1},
			why: "every filter that covers the false findings would also hide events of 1 findings marked true", covered: 1, hides: 1,
		},
		{
			name: "nor from open ones", rule: "policy",
			calls: []call{{users + "a", "198.51.100.7", "x", "b", 0}, {users + "a", "198.51.100.7", "x", "b", 2}},
			bad:   []int{0},
			why:   "nothing tells the false findings from the others", covered: 1, hides: 1,
		},
		{
			name: "one of the open ones goes, too", rule: "policy",
			calls: []call{{users + "a", "198.51.100.7", "x", "b", 0}, {users + "a", "198.51.100.7", "x", "b", 2}, {users + "b", "198.51.100.8", "x", "b", 4}},
			bad:   []int{0}, hides: 1,
			filter: "userIdentity.arn: 'arn:aws:iam::111122223333:user/a'", covered: 1, warning: "1 of 2 other findings would be hidden, too",
		},
		{
			name: "a correlation, and the rule beneath it", rule: "many",
			calls: []call{
				{users + "a", "198.51.100.7", "x", "a", 0}, {users + "a", "198.51.100.7", "x", "b", 0}, {users + "a", "198.51.100.7", "x", "c", 0},
				{users + "b", "198.51.100.7", "x", "a", 0}, {users + "b", "198.51.100.7", "x", "b", 0}, {users + "b", "198.51.100.7", "x", "c", 0},
			},
			bad: []int{0}, good: []int{3}, hides: 1,
			filter: "userIdentity.arn: 'arn:aws:iam::111122223333:user/a'", covered: 1, warning: "1 of 3 other findings would be hidden, too, 1 of them of other rules",
		},
		{
			name: "what is absent is not hidden", rule: "absent",
			calls: []call{{users + "a", "198.51.100.7", "x", "a", 0}, {users + "b", "198.51.100.7", "x", "b", 0}},
			bad:   []int{0}, good: []int{1}, hides: 1,
			filter: "userIdentity.arn: 'arn:aws:iam::111122223333:user/a'", covered: 1, warning: "1 of 3 other findings would be hidden, too, 1 of them of other rules",
		},
		{
			name: "wildcards and quotes of the trail", rule: "policy",
			calls: []call{{users + "a", "198.51.100.7", `it's *?\* a robot`, "b", 0}, {users + "a", "198.51.100.7", `it's many \ a robot`, "b", 2}},
			bad:   []int{0}, good: []int{1},
			filter: `userIdentity.arn: 'arn:aws:iam::111122223333:user/a' userAgent: 'it''s \*\?\\\* a robot'`, covered: 1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := tuneRule(t, c.rule, c.calls, c.bad, c.good)
			if err != nil {
				t.Fatal(err)
			}
			filter := ""
			if r.Filter != nil {
				for _, l := range strings.Split(r.Filter.YAML(), "\n") {
					if strings.HasPrefix(l, "    ") && !strings.HasPrefix(l, "    - ") {
						filter += " " + strings.TrimSpace(l)
					}
				}
			}
			first := ""
			if len(r.Warnings) > 0 {
				first = r.Warnings[0]
			}
			got := []any{strings.TrimSpace(filter), r.Covered, len(r.Hides), len(r.Appears)}
			if d := cmp.Diff([]any{c.filter, c.covered, c.hides, 0}, got); d != "" {
				t.Errorf("%s\nwarnings %q, why %q", d, r.Warnings, r.Why)
			}
			if !strings.HasPrefix(r.Why, c.why) || c.why == "" && r.Why != "" {
				t.Errorf("why: %q", r.Why)
			}
			if !strings.HasPrefix(first, c.warning) || c.warning == "" && first != "" {
				t.Errorf("warnings: %q", r.Warnings)
			}
		})
	}
}

// TestNoEvents is told that the findings lie elsewhere.
func TestNoEvents(t *testing.T) {
	calls := []call{{users + "a", "198.51.100.7", "x", "b", 0}}
	_, err := tuneRule(t, "policy", calls, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "does not match any event") {
		t.Errorf("%v", err)
	}
}

func TestPlain(t *testing.T) {
	for _, v := range []string{"", "a\nb", "a\x1b[31m", "a\u202eb", strings.Repeat("x", maxValue+1), "\xff", "a\u00a0b"} {
		if plainValue(v) {
			t.Errorf("%q passes as a value", v)
		}
	}
	for _, k := range []string{"", "a.b", "a|re", "a[any]", "a b", "é", "'", strings.Repeat("k", 65)} {
		if plainKey(k) {
			t.Errorf("%q passes as a key", k)
		}
	}
	if !plainValue("Zoë's *robot* / 1.0") || !plainKey("x-amz-acl") {
		t.Error("an ordinary text does not pass")
	}
}

// FuzzQuoted loads a filter on a hostile value: it must leave out the event with this value
// and no other.
func FuzzQuoted(f *testing.F) {
	for _, v := range []string{"a", `a*`, `\`, `\*`, `'`, `''`, `a: b`, `# c`, `%x%`, "null", "true", "1e3", "*", "?", `\\?`, "- x", "{a}", "&a", "é"} {
		f.Add(v, v+"x")
	}
	f.Fuzz(func(t *testing.T, value, other string) {
		ascii := strings.IndexFunc(other, func(r rune) bool { return r > 0x7f }) < 0 // letters of other scripts fold in several ways
		if !plainValue(value) || !plainValue(other) || !ascii || strings.EqualFold(value, other) {
			return
		}
		filter := &Filter{Title: "x", Rules: []string{"policy"}, exceptions: []exception{{newAtom("userAgent", "", []string{value})}}}
		rs, err := ruleset.Load(t.Context(), nil, ruleset.Options{Shipped: fstest.MapFS{"a.yml": {Data: []byte(testRules)}, "b.yml": {Data: []byte(filter.YAML())}}})
		if err != nil || len(rs.Faults) > 0 {
			t.Fatalf("%v %v\n%s", err, rs.Faults, filter.YAML())
		}
		ev := rs.Set.NewEvaluator()
		for agent, want := range map[string]bool{value: false, other: true} {
			got := false
			ev.Evaluate([]byte(call{arn: users + "a", agent: agent}.record(1)), "s3.amazonaws.com", "PutBucketPolicy", func(i int) { got = got || rs.Rules[i].ID == "policy" })
			if got != want {
				t.Errorf("the filter on %q leaves the event with %q: %v\n%s", value, agent, got, filter.YAML())
			}
		}
	})
}
