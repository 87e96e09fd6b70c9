package judge

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"
)

// TestEvictedTwice opens a unit again in the window in which it was given up.
func TestEvictedTwice(t *testing.T) {
	for _, c := range []struct {
		name  string
		rules []Rule
	}{
		{"event rule", []Rule{{Info: &rule.Info{ID: "r", Title: "r"}}}},
		{"count", with(Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user"}, Timespan: time.Hour, Holds: gte(1)})},
		{"absent", with(Correlation{Type: Absent, Rules: []int32{1, 0}, GroupBy: []string{"user"}, Timespan: time.Hour})},
	} {
		t.Run(c.name, func(t *testing.T) {
			var ms []*match.Match
			for id := 1; id <= 8; id++ { // all at one time: only their IDs tell them apart
				ms = append(ms, at(7, id, []string{"a", "b"}[id%2], "", "", 0))
			}
			whole, _ := judged(t, Options{Rules: c.rules}, ms...)
			cut, j := judged(t, Options{Rules: c.rules, Limits: Limits{Groups: 1}}, ms...)
			if s := j.Stats(); s.Evicted != 4 { // a goes before b each time
				t.Errorf("%d evicted, want 4", s.Evicted)
			}
			ids, events := map[string]bool{}, 0
			for _, f := range cut {
				if ids[f.ID] {
					t.Errorf("two findings have the ID %s", f.ID)
				}
				ids[f.ID] = true
				events += int(f.Count)
			}
			if events != len(ms) {
				t.Errorf("%d events in the findings, want %d", events, len(ms))
			}
			kept := 0
			for _, f := range whole {
				if ids[f.ID] {
					kept++
				}
			}
			if kept != 1 { // that of the unit that lived to the end
				t.Errorf("%d of %d findings kept the ID of the whole, want 1", kept, len(whole))
			}
			again, _ := judged(t, Options{Rules: c.rules, Limits: Limits{Groups: 1}}, ms...)
			for _, f := range again {
				if !ids[f.ID] {
					t.Errorf("the ID %s is new the second time", f.ID)
				}
			}
		})
	}
}

// feedMany feeds n matches that make returns, in order, and checks the bounds after each.
func feedMany(t *testing.T, o Options, n int, makeMatch func(i int) *match.Match) (found int, stats Stats) {
	t.Helper()
	o.Wanted, o.Resolve = wanted, resolve
	o.Found = func(*finding.Finding) error { found++; return nil }
	j, faults := New(o)
	if len(faults) > 0 {
		t.Fatal(faults[0].Err)
	}
	for i := range n {
		if err := j.Feed(context.Background(), makeMatch(i)); err != nil {
			t.Fatal(err)
		}
		if j.size > j.limits.Groups || j.held > j.limits.Held || len(j.units) != len(j.queue) || len(j.units) > j.size {
			t.Fatalf("after match %d: %d groups, %d events, %d units, %d due", i, j.size, j.held, len(j.units), len(j.queue))
		}
		if i%997 == 0 && i < 100*997 {
			recount(t, j)
		}
	}
	recount(t, j)
	if err := j.Finish(); err != nil {
		t.Fatal(err)
	}
	if j.size != 0 || j.held != 0 || len(j.units) != 0 {
		t.Errorf("after the end: %d units, %d events, %d groups", len(j.units), j.held, j.size)
	}
	return found, j.Stats()
}

// recount compares what the judge counts with what it holds.
func recount(t *testing.T, j *Judge) {
	t.Helper()
	if len(j.units) > 5000 {
		return
	}
	size, held := 0, 0
	for _, u := range j.units {
		size += u.size()
		for _, o := range u.open {
			held += len(o.Events)
		}
		for _, groups := range u.groups {
			for _, g := range groups {
				if len(g.items) > j.limits.Window {
					t.Fatalf("a window holds %d", len(g.items))
				}
				for _, it := range g.items {
					held += len(it.events)
				}
			}
		}
	}
	if size != j.size || held != j.held {
		t.Fatalf("counted %d groups and %d events, there are %d and %d", j.size, j.held, size, held)
	}
}

func TestManyGroups(t *testing.T) {
	const n = 100_000
	count := Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user"}, Timespan: 1000 * time.Hour, Holds: gte(2)}
	own := func(i int) *match.Match { return at(i/10, i, fmt.Sprint("u", i), "", "", 0) }
	for _, c := range []struct {
		name   string
		rules  []Rule
		limits Limits
		want   Stats
		found  int
	}{
		{"correlation", with(count), Limits{Groups: 1000}, Stats{Evicted: n - 1000}, 0},
		{"many at once", with(count), Limits{Groups: n / 2}, Stats{Evicted: n / 2}, 0},
		{"event rule", []Rule{{Info: &rule.Info{ID: "r", Title: "r", Window: 1000 * time.Hour}}}, Limits{Groups: 1000}, Stats{Evicted: n - 1000}, n},
		{"held", with(count), Limits{Held: 500}, Stats{Evicted: n - 500}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, stats := feedMany(t, Options{Rules: c.rules, Limits: c.limits}, n, own)
			if found != c.found || stats != c.want {
				t.Errorf("%d findings, %+v; want %d, %+v", found, stats, c.found, c.want)
			}
		})
	}
}

func TestWholeTreeOverLimit(t *testing.T) {
	rules := with(Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user"}, Timespan: time.Hour, Holds: gte(1)})
	rules[3].Silent = true
	outer := Correlation{Type: ValueCount, Rules: []int32{3}, GroupBy: []string{"eventName"}, Fields: []string{"user"}, Timespan: time.Hour, Holds: gte(1e6)}
	rules = append(rules, Rule{Info: &rule.Info{ID: "outer", Title: "outer"}, Correlation: &outer})
	_, stats := feedMany(t, Options{Rules: rules, Limits: Limits{Groups: 100, Held: 150, Window: 40}}, 5000,
		func(i int) *match.Match { return at(i/100, i, fmt.Sprint("u", i), "", "", 0) })
	if stats.Evicted == 0 || stats.Shortened == 0 {
		t.Errorf("%+v", stats)
	}
}

func TestWindowOverLimit(t *testing.T) {
	for _, typ := range []Type{EventCount, ValueCount, ValueSum, ValueMedian, ValuePercentile, TemporalOrdered} {
		c := Correlation{Type: typ, Rules: []int32{0, 1}, Timespan: time.Hour, Holds: gte(1e9)}
		if typ != EventCount && typ != TemporalOrdered {
			c.Fields = []string{"bytes"}
		}
		found, stats := feedMany(t, Options{Rules: with(c), Limits: Limits{Window: 50}}, 1050,
			func(i int) *match.Match { return at(i, i, "a", "", fmt.Sprint(i%7), int32(i%2)) })
		if want := (Stats{Shortened: 1000}); found != 0 || stats != want {
			t.Errorf("%s: %d findings, %+v; want %+v", typ, found, stats, want)
		}
	}
}

// TestLongValues has values of ten megabytes, and lists of hundreds of values.
func TestLongValues(t *testing.T) {
	long := strings.Repeat("x", 10<<20)
	var list []string
	for i := range 500 {
		list = append(list, fmt.Sprint(i))
	}
	many := strings.Join(list, "|")
	for _, typ := range []Type{EventCount, ValueCount, FirstSeen, ValueSum, ValueMedian} {
		c := Correlation{Type: typ, Rules: []int32{0}, GroupBy: []string{"src"}, Timespan: time.Hour, Holds: gte(1)}
		if typ != EventCount {
			c.Fields = []string{"bytes"}
		}
		got, j := judged(t, Options{Rules: with(c)}, at(1, 1, "a", long+"1", "1", 0), at(2, 2, "a", long+"2", "1", 0), at(3, 3, "a", "short", long, 0), at(4, 4, "a", many, many, 0))
		entities := map[string]bool{}
		for _, f := range got {
			entities[f.Entity] = true
			size := len(f.Entity) + len(f.Message)
			for _, x := range f.Fields {
				size += len(strings.Join(x.Values, ""))
			}
			if size > 64<<10 {
				t.Errorf("%s: a finding has %d bytes of text", typ, size)
			}
		}
		want := 2 + maxCombinations // the long values differ at their end only
		if typ == EventCount || typ == ValueCount || typ == FirstSeen {
			want++
		}
		if len(entities) != want || len(got) != want {
			t.Errorf("%s: %d findings for %d entities, want %d", typ, len(got), len(entities), want)
		}
		if j.Stats().Combined == 0 {
			t.Errorf("%s: nothing says that combinations were left out", typ)
		}
	}
}
