package judge

import (
	"slices"
	"testing"
	"time"

	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestLearn notes a past in any order: what was in it is not new, and its time counts
// as learning.
func TestLearn(t *testing.T) {
	c := Correlation{Type: FirstSeen, Rules: []int32{0}, GroupBy: []string{"user"}, Fields: []string{"src"}, Learning: time.Minute}
	past := []*match.Match{at(0, 1, "a", "x", "", 0), at(10, 2, "a", "y", "", 0), at(59, 3, "b", "x", "", 0), at(30, 4, "a", "q", "", 1), at(31, 5, "a", "", "", 0)}
	now := []*match.Match{at(60, 6, "a", "x|y", "", 0), at(61, 7, "a", "z", "", 0), at(62, 8, "b", "y", "", 0), at(63, 9, "a", "q", "", 0)}
	for _, order := range [][]int{{0, 1, 2, 3, 4}, {4, 3, 2, 1, 0}, {2, 0, 4, 1, 3}, {1, 1, 0, 0, 2}} {
		memory := seen.New(0, false)
		j, _ := New(Options{Rules: with(c), Wanted: wanted, Resolve: resolve, Seen: memory})
		for _, i := range order {
			j.Learn(past[i])
		}
		if s := j.Stats(); s != (Stats{}) || len(j.units) != 0 {
			t.Errorf("learning counts %+v and leaves %d units", s, len(j.units))
		}
		got, _ := judged(t, Options{Rules: with(c), Seen: memory}, now...)
		if d := gocmp.Diff([]string{"a: e7 e9 (2, at 61)"}, brief(got)); d != "" {
			t.Errorf("%v: %s", order, d)
		}
		if !slices.Equal(got[0].Get("new"), []string{"z", "q"}) {
			t.Errorf("new: %q", got[0].Get("new"))
		}
	}
}

// TestLearnNested learns for a first_seen rule that another correlation refers to.
func TestLearnNested(t *testing.T) {
	first := Correlation{Type: FirstSeen, Rules: []int32{0}, GroupBy: []string{"user"}, Fields: []string{"src"}}
	rules := with(first)
	rules[3].Silent = true
	outer := Correlation{Type: TemporalOrdered, Rules: []int32{3, 1}, GroupBy: []string{"user"}, Timespan: time.Minute}
	rules = append(rules, Rule{Info: &rule.Info{ID: "outer", Title: "outer"}, Correlation: &outer})
	ms := []*match.Match{
		at(100, 11, "a", "x", "", 0), at(101, 12, "a", "", "", 1), // x is new only without the past
		at(200, 13, "a", "y", "", 0), at(260, 14, "a", "", "", 1), // exactly a timespan apart
		at(400, 15, "a", "z", "", 0), at(461, 16, "a", "", "", 1), // too late
		at(500, 17, "b", "x", "", 0), at(501, 18, "a", "", "", 1), at(502, 19, "b", "", "", 1),
	}
	for _, learned := range []bool{false, true} {
		memory := seen.New(0, false)
		want := []string{"a: e13 e14 (2, at 260)", "b: e17 e19 (2, at 502)"}
		if learned {
			j, _ := New(Options{Rules: rules, Wanted: wanted, Resolve: resolve, Seen: memory})
			j.Learn(at(0, 1, "a", "x", "", 0))
		} else {
			want = append([]string{"a: e11 e12 (2, at 101)"}, want...)
		}
		got, _ := judged(t, Options{Rules: rules, Seen: memory}, ms...)
		if d := gocmp.Diff(want, brief(got)); d != "" {
			t.Errorf("learned %v: %s", learned, d)
		}
	}
}

// TestSeveralUsersNested has an event that belongs to two groups, and so to two units:
// what one of them notes must not make the tuple known in the other.
func TestSeveralUsersNested(t *testing.T) {
	first := Correlation{Type: FirstSeen, Rules: []int32{0}, GroupBy: []string{"user", "src"}, Fields: []string{"bytes"}}
	rules := with(first)
	rules[3].Silent = true
	outer := Correlation{Type: EventCount, Rules: []int32{3}, GroupBy: []string{"user"}, Timespan: time.Minute, Holds: gte(1)}
	rules = append(rules, Rule{Info: &rule.Info{ID: "outer", Title: "outer"}, Correlation: &outer})
	got, _ := judged(t, Options{Rules: rules}, at(1, 1, "a|b", "x", "7", 0))
	if d := gocmp.Diff([]string{"a: e1 (1, at 1)", "b: e1 (1, at 1)"}, brief(got)); d != "" {
		t.Error(d)
	}
}

// TestExpiry looks at the last second in which a tuple is remembered and the next one.
func TestExpiry(t *testing.T) {
	const day = 24 * 3600
	for _, c := range []struct {
		expiry    time.Duration
		seen, gap int // gap is the longest after which the tuple is still known
	}{
		{time.Second, 100, 2},
		{23 * time.Second, 100, 24},
		{24 * time.Second, 100, 25},
		{48 * time.Second, 100, 50},
		{48 * time.Second, 101, 49}, // kept as second 100
		{24 * time.Hour, day, day + 3600},
		{24 * time.Hour, day + 3599, day + 1},
		{48 * time.Hour, day, 2*day + 3600}, // the grain is an hour at most
	} {
		f := Correlation{Type: FirstSeen, Rules: []int32{0}, Fields: []string{"src"}, Expiry: c.expiry}
		for _, later := range []int{0, 1} {
			rules := with(f)
			rules[3].Info.Window = time.Nanosecond
			// The tuple is seen first, and a second time, from which expiry counts.
			second := c.seen
			got, _ := judged(t, Options{Rules: rules}, at(second-1, 1, "a", "x", "", 0), at(second, 2, "a", "x", "", 0), at(second+c.gap+later, 3, "a", "x", "", 0))
			if len(got) != 1+later {
				t.Errorf("expiry %s, seen at %d, again %d seconds later: %d findings, want %d", c.expiry, second, c.gap+later, len(got), 1+later)
			}
		}
	}
}
