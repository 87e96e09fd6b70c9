package judge

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"

	gocmp "github.com/google/go-cmp/cmp"
)

// wanted are the fields of the matches in these tests.
var wanted = []string{"user", "src", "bytes"}

// at makes a match: seconds, an ID, whose, and which rules.
func at(second, id int, user, src, bytes string, rules ...int32) *match.Match {
	m := &match.Match{Time: int64(second) * int64(time.Second), Rules: rules, Caller: user}
	binary.BigEndian.PutUint64(m.ID[:], uint64(id))
	m.Event = match.Event{ID: fmt.Sprintf("e%d", id), Name: "Name" + fmt.Sprint(rules), SourceIP: src, Outcome: "success"}
	for i, v := range []string{user, src, bytes} {
		if v != "" {
			m.Values = append(m.Values, match.Value{Field: int32(i), Texts: strings.Split(v, "|")})
		}
	}
	return m
}

func resolve(caller string) finding.Who { return finding.Who{Actor: caller, Type: "IAM user"} }

func gte(k float64) func(float64) bool { return func(n float64) bool { return n >= k } }

// with returns event rules at 0 to 2, silent, and a correlation at 3.
func with(c Correlation) []Rule {
	var rules []Rule
	for i := range 3 {
		rules = append(rules, Rule{Info: &rule.Info{ID: fmt.Sprintf("r%d", i), Title: fmt.Sprintf("rule %d", i)}, Silent: true})
	}
	return append(rules, Rule{Info: &rule.Info{ID: "c", Title: "correlation", Kind: rule.Correlation}, Correlation: &c})
}

// judged feeds matches in order and returns the findings in order.
func judged(t testing.TB, o Options, ms ...*match.Match) ([]*finding.Finding, *Judge) {
	t.Helper()
	var out []*finding.Finding
	o.Wanted = wanted
	if o.Resolve == nil {
		o.Resolve = resolve
	}
	o.Found = func(f *finding.Finding) error {
		out = append(out, f)
		return nil
	}
	j, faults := New(o)
	if len(faults) > 0 {
		t.Fatal(faults[0].Err)
	}
	ms = slices.Clone(ms)
	slices.SortFunc(ms, match.Compare)
	for _, m := range ms {
		if err := j.Feed(context.Background(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Finish(); err != nil {
		t.Fatal(err)
	}
	if len(j.units) != 0 || j.held != 0 || j.size != 0 {
		t.Errorf("after the end: %d units, %d events, %d groups", len(j.units), j.held, j.size)
	}
	slices.SortFunc(out, func(a, b *finding.Finding) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Entity, b.Entity), finding.Compare(a, b))
	})
	return out, j
}

// brief writes findings as entity: events, raised when.
func brief(fs []*finding.Finding) []string {
	out := []string{}
	for _, f := range fs {
		ids := slices.Clone(f.EventIDs)
		out = append(out, fmt.Sprintf("%s: %s (%d, at %d)", f.Entity, strings.Join(ids, " "), f.Count, f.Time.Unix()))
	}
	return out
}

func TestEventRule(t *testing.T) {
	rules := []Rule{{Info: &rule.Info{ID: "r", Title: "r"}}, {Info: &rule.Info{ID: "pair", Title: "pair", Entity: []string{"src", "user"}, Window: time.Minute, Fields: []string{"bytes"}}}}
	denied := at(10, 3, "alice", "", "", 0)
	denied.Event.Outcome = "denied"
	got, j := judged(t, Options{Rules: rules},
		at(0, 1, "alice", "1", "", 0), at(3599, 2, "alice", "2", "", 0), denied, at(3600, 4, "alice", "1", "", 0), at(20, 5, "bob", "1|2", "7", 0, 1), at(20, 5, "bob", "1|2", "7", 0, 1), at(61, 6, "bob", "1", "9", 1), at(100, 7, "", "1", "", 1))
	want := []string{
		"alice: e1 e2 (2, at 0)", "alice: e3 (1, at 10)", "1, bob: e5 (1, at 20)", "2, bob: e5 (1, at 20)", "bob: e5 (1, at 20)",
		"1, bob: e6 (1, at 61)", "1, unknown: e7 (1, at 100)", "alice: e4 (1, at 3600)",
	}
	slices.SortStableFunc(got, func(a, b *finding.Finding) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Entity, b.Entity))
	})
	if d := gocmp.Diff(want, brief(got)); d != "" {
		t.Error(d)
	}
	if s := j.Stats(); s.Doubles != 1 {
		t.Errorf("%+v", s)
	}
	if v := got[2].Get("bytes"); !slices.Equal(v, []string{"7"}) {
		t.Errorf("bytes: %q", v)
	}
	if got[0].Message == "" || got[0].Rule != "r" {
		t.Errorf("%+v", got[0])
	}
	if err := j.Feed(context.Background(), at(1, 1, "", "", "", 0)); err == nil {
		t.Error("a match out of order is taken")
	}
}

// TestGolden has cases by hand for every type.
func TestGolden(t *testing.T) {
	min1 := time.Minute
	and := func(f func(i int) bool) bool { return f(0) && f(1) && !f(2) }
	for _, c := range []struct {
		name string
		c    Correlation
		in   []*match.Match
		want []string
	}{
		{"count", Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user"}, Timespan: min1, Holds: gte(3)},
			[]*match.Match{at(0, 1, "a", "", "", 0), at(30, 2, "a", "", "", 0), at(31, 3, "b", "", "", 0), at(60, 4, "a", "", "", 0), at(61, 5, "a", "", "", 0)},
			[]string{"a: e1 e2 e4 (3, at 60)"}},
		{"count slides", Correlation{Type: EventCount, Rules: []int32{0}, Timespan: min1, Holds: gte(3)},
			[]*match.Match{at(0, 1, "a", "", "", 0), at(50, 2, "b", "", "", 0), at(70, 3, "a", "", "", 0), at(100, 4, "a", "", "", 0), at(110, 5, "c", "", "", 0), at(111, 6, "c", "", "", 0)},
			[]string{"a: e2 e3 e4 e5 (4, at 100)"}},
		{"range", Correlation{Type: EventCount, Rules: []int32{0}, Timespan: min1, Holds: func(n float64) bool { return n > 1 && n <= 2 }},
			[]*match.Match{at(0, 1, "a", "", "", 0), at(1, 2, "a", "", "", 0), at(2, 3, "a", "", "", 0)},
			[]string{"a: e1 e2 e3 (3, at 1)"}},
		{"no group", Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"src"}, Timespan: min1, Holds: gte(1)},
			[]*match.Match{at(0, 1, "a", "", "", 0), at(1, 2, "a", "x|y", "", 0)},
			[]string{"x: e2 (1, at 1)", "y: e2 (1, at 1)"}},
		{"values", Correlation{Type: ValueCount, Rules: []int32{0}, GroupBy: []string{"user"}, Fields: []string{"src"}, Timespan: min1, Holds: gte(2)},
			[]*match.Match{at(0, 1, "a", "x", "", 0), at(1, 2, "a", "x", "", 0), at(2, 3, "a", "", "", 0), at(3, 4, "a", "y", "", 0)},
			[]string{"a: e1 e2 e4 (3, at 3)"}},
		{"pairs of values", Correlation{Type: ValueCount, Rules: []int32{0}, Fields: []string{"src", "bytes"}, Timespan: min1, Holds: gte(2)},
			[]*match.Match{at(0, 1, "a", "x", "1", 0), at(1, 2, "a", "x", "1", 0), at(2, 3, "a", "x", "2", 0)},
			[]string{"a: e1 e2 e3 (3, at 2)"}},
		{"sum", Correlation{Type: ValueSum, Rules: []int32{0}, Fields: []string{"bytes"}, Timespan: min1, Holds: gte(10)},
			[]*match.Match{at(0, 1, "a", "", "6", 0), at(61, 2, "a", "", "5", 0), at(62, 3, "a", "", "none", 0), at(63, 4, "a", "", "2|3", 0)},
			[]string{"a: e2 e4 (2, at 63)"}},
		{"average", Correlation{Type: ValueAvg, Rules: []int32{0}, Fields: []string{"bytes"}, Timespan: min1, Holds: gte(5)},
			[]*match.Match{at(0, 1, "a", "", "1", 0), at(1, 2, "a", "", "8", 0), at(2, 3, "a", "", "6", 0)},
			[]string{"a: e1 e2 e3 (3, at 2)"}},
		{"median", Correlation{Type: ValueMedian, Rules: []int32{0}, Fields: []string{"bytes"}, Timespan: min1, Holds: gte(5)},
			[]*match.Match{at(0, 1, "a", "", "1", 0), at(1, 2, "a", "", "8", 0), at(2, 3, "a", "", "100", 0)},
			[]string{"a: e1 e2 e3 (3, at 2)"}},
		{"share", Correlation{Type: ValuePercentile, Rules: []int32{0}, Fields: []string{"bytes"}, Timespan: min1, Holds: func(n float64) bool { return n <= 50 }},
			[]*match.Match{at(0, 1, "a", "", "5", 0), at(1, 2, "a", "", "6", 0), at(2, 3, "a", "", "5", 0), at(3, 4, "a", "", "1", 0)},
			[]string{"a: e1 e2 e3 e4 (4, at 3)"}},
		{"percentile", Correlation{Type: ValuePercentile, Rules: []int32{0}, Fields: []string{"bytes"}, Percentile: 50, Timespan: min1, Holds: gte(6)},
			[]*match.Match{at(0, 1, "a", "", "5", 0), at(1, 2, "a", "", "6", 0), at(2, 3, "a", "", "6", 0)},
			[]string{"a: e1 e2 e3 (3, at 2)"}},
		{"temporal", Correlation{Type: Temporal, Rules: []int32{0, 1}, GroupBy: []string{"user"}, Timespan: min1},
			[]*match.Match{at(0, 1, "a", "", "", 1), at(10, 2, "b", "", "", 0), at(20, 3, "a", "", "", 1), at(61, 4, "a", "", "", 0), at(80, 5, "a", "", "", 2)},
			[]string{"a: e3 e4 (2, at 61)"}},
		{"temporal, boolean", Correlation{Type: Temporal, Rules: []int32{0, 1, 2}, Timespan: min1, Expr: and},
			[]*match.Match{at(0, 1, "a", "", "", 2), at(10, 2, "b", "", "", 0), at(20, 3, "a", "", "", 1), at(61, 4, "a", "", "", 1)},
			[]string{"a: e2 e3 e4 (3, at 61)"}},
		{"ordered", Correlation{Type: TemporalOrdered, Rules: []int32{0, 1}, Timespan: min1},
			[]*match.Match{at(0, 1, "a", "", "", 1), at(10, 2, "a", "", "", 0), at(100, 3, "a", "", "", 0, 1), at(101, 4, "a", "", "", 1)},
			[]string{"a: e3 e4 (2, at 101)"}},
		{"first seen", Correlation{Type: FirstSeen, Rules: []int32{0}, GroupBy: []string{"user"}, Fields: []string{"src"}, Learning: min1},
			[]*match.Match{at(0, 1, "a", "x", "", 0), at(30, 2, "a", "y", "", 0), at(60, 3, "a", "z", "", 0), at(61, 4, "a", "x|z", "", 0), at(70, 5, "b", "x", "", 0), at(200, 6, "a", "w", "", 0), at(4000, 7, "a", "v", "", 0)},
			[]string{"a: e3 e6 (2, at 60)", "a: e7 (1, at 4000)"}},
		{"forgotten", Correlation{Type: FirstSeen, Rules: []int32{0}, Fields: []string{"src"}, Expiry: 2 * min1},
			[]*match.Match{at(0, 1, "a", "x", "", 0), at(100, 2, "a", "x", "", 0), at(200, 3, "a", "x", "", 0), at(400, 4, "b", "x", "", 0)},
			[]string{"a: e1 (1, at 0)", "b: e4 (1, at 400)"}},
		{"absent", Correlation{Type: Absent, Rules: []int32{0, 1}, GroupBy: []string{"user"}, Timespan: min1},
			[]*match.Match{at(0, 1, "a", "", "", 0), at(60, 2, "a", "", "", 1), at(61, 3, "a", "", "", 1), at(62, 4, "b", "", "", 0, 1), at(63, 5, "b", "", "", 1)},
			[]string{"a: e3 (1, at 61)", "b: e4 (1, at 62)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := judged(t, Options{Rules: with(c.c)}, c.in...)
			if d := gocmp.Diff(c.want, brief(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNested(t *testing.T) {
	many := Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user", "src"}, Timespan: time.Minute, Holds: gte(2)}
	rules := with(many)
	rules[3].Silent = true
	ms := []*match.Match{at(0, 1, "a", "x", "", 0), at(1, 2, "a", "x", "", 0), at(2, 3, "a", "y", "", 0), at(3, 4, "b", "x", "", 0), at(4, 5, "b", "x", "", 0), at(5, 6, "a", "x", "", 1), at(6, 7, "a", "y", "", 0)}
	for _, c := range []struct {
		c    Correlation
		want []string
	}{
		{Correlation{Type: TemporalOrdered, Rules: []int32{3, 1}, GroupBy: []string{"user"}, Timespan: time.Minute}, []string{"a: e1 e2 e6 e7 (4, at 5)"}},
		{Correlation{Type: ValueCount, Rules: []int32{3}, GroupBy: []string{"who"}, Fields: []string{"src"}, Timespan: time.Minute, Holds: gte(2),
			Field: func(name string, _ int) string { return map[string]string{"who": "user"}[name] }}, []string{"a: e1 e2 e3 e7 (4, at 6)"}},
		{Correlation{Type: EventCount, Rules: []int32{3}, GroupBy: []string{"actor"}, Timespan: time.Minute, Holds: gte(2)}, []string{"a: e1 e2 e3 e7 (4, at 6)"}},
	} {
		got, _ := judged(t, Options{Rules: append(rules[:4:4], Rule{Info: &rule.Info{ID: "outer", Title: "outer"}, Correlation: &c.c})}, ms...)
		if d := gocmp.Diff(c.want, brief(got)); d != "" {
			t.Errorf("%s: %s", c.c.Type, d)
		}
	}
}
