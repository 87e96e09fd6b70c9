package health

import (
	"testing"
	"time"

	"bluetrail/internal/detect/rule"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestConditions(t *testing.T) {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for _, c := range []struct {
		name  string
		facts Facts
		want  []Condition
	}{
		{"all is well", Facts{
			Outputs: []Output{{Name: "chat"}}, Lists: []List{{Name: "tor", Entries: 3}, {Name: "attackers", Pending: true}},
			Sources:  []Source{{Name: "logs", Newest: ago(time.Hour), Quiet: 24 * time.Hour}, {Name: "old", Newest: ago(1000 * time.Hour)}, {Name: "new", Quiet: time.Hour}},
			Searches: []Search{{Rule: "a", Failures: 2, Lag: time.Minute}}, Due: 3, DueSince: ago(time.Second),
			Events: map[string]int64{"": 5, "Data": 1}, Rules: []rule.Info{{Name: "m", Data: []string{"management"}}, {Name: "d", Data: []string{"data"}}, {Name: "x"}},
		}, nil},
		{"outputs", Facts{Outputs: []Output{
			{Name: "chat", Problem: "503", Failing: true, Since: ago(10 * time.Minute)}, {Name: "fresh", Problem: "503", Failing: true, Since: ago(time.Minute)}, {Name: "mail", Problem: "2 messages were given up"},
		}}, []Condition{
			{"output chat", rule.High, "output chat fails, and alerts have been waiting since 2026-03-02 11:50: 503"}, {"output mail", rule.Medium, "output mail: 2 messages were given up"},
		}},
		{"lists", Facts{Lists: []List{{Name: "none"}, {Name: "old", Entries: 5, Stale: true, Of: ago(100 * time.Hour)}}}, []Condition{
			{"list none", rule.Medium, "list none has no usable entry, so rules that use it find nothing"}, {"list old", rule.Medium, "list old dates from 2026-02-26 08:00 and could not be renewed since"},
		}},
		{"sources, searches, rules", Facts{
			Sources: []Source{{Name: "logs", Newest: ago(25 * time.Hour), Quiet: 24 * time.Hour}}, Searches: []Search{{Rule: "a", Failures: 3}, {Rule: "b", Lag: 2 * time.Hour}},
			Disabled: []Disabled{{"c", ago(time.Hour), "it cost too much"}}, Due: 7, DueSince: ago(time.Hour),
		}, []Condition{
			{"source logs", rule.High, "source logs went quiet: its newest file dates from 2026-03-01 11:00"},
			{"alerts", rule.High, "7 findings have been waiting to become alerts since 2026-03-02 11:00"},
			{"search a", rule.Medium, "scheduled rule a fails: the last 3 runs did"},
			{"search b", rule.Medium, "scheduled rule b is behind by 2h0m0s"},
			{"rule c", rule.Medium, "rule c is off since 2026-03-02 11:00: it cost too much"},
		}},
		{"clock", Facts{ClockAhead: 75 * time.Hour}, []Condition{
			{"clock", rule.Medium, "the clock jumped ahead by 3 days; until it is corrected, or the server restarts, retention measures ages without the jump"},
		}},
		{"facts", Facts{Described: []Described{{Name: "eu-central-1", Problem: "the permission ec2:DescribeSubnets is missing"}, {Name: "us-east-1"}}}, []Condition{
			{"facts eu-central-1", rule.Low, "what AWS has cannot be learned, so exposure may say unknown: the permission ec2:DescribeSubnets is missing"},
		}},
		{"rules without data", Facts{Events: map[string]int64{"Management": 9}, Rules: []rule.Info{
			{Name: "m", Data: []string{"management"}}, {Name: "d1", Data: []string{"data"}}, {Name: "d2", Data: []string{"data"}}, {Name: "n", Data: []string{"network-activity"}}, {Name: "d3", Data: []string{"data"}},
			{Name: "either", Data: []string{"data", "management"}},
		}}, []Condition{{"rules without data", rule.Low,
			"4 of 6 rules can find nothing, because the trail brings none of the events that they need (data events, network-activity events): d1, d2, n and 1 more"}}},
		{"unknown fields", Facts{Unfit: []Unfit{{"a", "no field x"}, {"b", "no field y"}, {"c", "no field z"}, {"d", "no field z"}}}, []Condition{{"rules with unknown fields", rule.Low,
			"4 of the rules that run test fields that no record has: a: no field x; b: no field y; c: no field z; and 1 more"}}},
		{"nothing is stored", Facts{Events: map[string]int64{}, Rules: []rule.Info{{Name: "d", Data: []string{"data"}}}}, nil},
	} {
		c.facts.Now = now
		got := Conditions(&c.facts)
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}
