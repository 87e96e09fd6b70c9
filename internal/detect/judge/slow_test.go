package judge

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/detect/match"

	gocmp "github.com/google/go-cmp/cmp"
)

// slow evaluates one correlation by the words of DESIGN.md. It keeps all matches,
// looks at every window anew and shares no code with the judge.
type slow struct {
	c      Correlation
	window time.Duration // of findings of first_seen and absent
	all    []*match.Match
}

func valuesOf(m *match.Match, name string) []string {
	var out []string
	for _, v := range m.Values {
		if wanted[v.Field] == name {
			out = append(out, v.Texts...)
		}
	}
	return out
}

// products returns every tuple of the fields' values, joined.
func products(m *match.Match, names []string) map[string]bool {
	out := map[string]bool{"": true}
	for i, name := range names {
		next := map[string]bool{}
		for t := range out {
			for _, v := range valuesOf(m, name) {
				if i > 0 {
					v = t + ", " + v
				}
				next[v] = true
			}
		}
		out = next
	}
	return out
}

func figures(m *match.Match, names []string) []float64 {
	var out []float64
	for _, name := range names {
		for _, v := range valuesOf(m, name) {
			if x, err := strconv.ParseFloat(v, 64); err == nil {
				out = append(out, x)
			}
		}
	}
	return out
}

func (s *slow) concerns(m *match.Match) bool {
	if !slices.ContainsFunc(m.Rules, func(r int32) bool { return slices.Contains(s.c.Rules, r) }) {
		return false
	}
	switch s.c.Type {
	case ValueCount, FirstSeen:
		return len(products(m, s.c.Fields)) > 0
	case ValueSum, ValueAvg, ValueMedian, ValuePercentile:
		return len(figures(m, s.c.Fields)) > 0
	}
	return true
}

// findings returns the findings as brief writes them, sorted.
func (s *slow) findings() []string {
	groups := map[string][]*match.Match{}
	for _, m := range s.all {
		if s.concerns(m) {
			for g := range products(m, s.c.GroupBy) {
				groups[g] = append(groups[g], m)
			}
		}
	}
	var out []string
	for group, ms := range groups {
		switch s.c.Type {
		case FirstSeen, Absent:
			out = append(out, s.singles(group, ms)...)
		default:
			out = append(out, s.slides(group, ms)...)
		}
	}
	sort.Strings(out)
	return out
}

func (s *slow) entity(group string, m *match.Match) string {
	if len(s.c.GroupBy) > 0 {
		return group
	}
	if len(m.Caller) == 0 {
		return "unknown"
	}
	return m.Caller
}

func written(entity string, at int64, ms []*match.Match) string {
	var ids []string
	for _, m := range ms {
		ids = append(ids, m.Event.ID)
	}
	return fmt.Sprintf("%s: %s (%d, at %d)", entity, strings.Join(ids, " "), len(ms), at/int64(time.Second))
}

func (s *slow) slides(group string, ms []*match.Match) []string {
	var out []string
	for start, i := 0, 0; i < len(ms); i++ {
		var window []*match.Match
		for _, m := range ms[start : i+1] {
			if ms[i].Time-m.Time <= int64(s.c.Timespan) {
				window = append(window, m)
			}
		}
		if !s.met(window) {
			continue
		}
		raised := ms[i]
		for i+1 < len(ms) && ms[i+1].Time-window[0].Time <= int64(s.c.Timespan) {
			i++
			window = append(window, ms[i])
		}
		start = i + 1
		out = append(out, written(s.entity(group, raised), raised.Time, window))
	}
	return out
}

// met reports whether a window satisfies the correlation.
func (s *slow) met(window []*match.Match) bool {
	newest := window[len(window)-1]
	tuples, there := map[string]bool{}, map[int]bool{}
	var nums []float64
	sum := 0.0
	for _, m := range window {
		for t := range products(m, s.c.Fields) {
			tuples[t] = true
		}
		for _, x := range figures(m, s.c.Fields) {
			nums = append(nums, x)
			sum += x
		}
		for i, r := range s.c.Rules {
			if slices.Contains(m.Rules, r) {
				there[i] = true
			}
		}
	}
	sort.Float64s(nums)
	switch s.c.Type {
	case EventCount:
		return s.c.Holds(float64(len(window)))
	case ValueCount:
		return s.c.Holds(float64(len(tuples)))
	case ValueSum:
		return s.c.Holds(sum)
	case ValueAvg:
		return s.c.Holds(sum / float64(len(nums)))
	case ValueMedian:
		return s.c.Holds((nums[(len(nums)-1)/2] + nums[len(nums)/2]) / 2)
	case ValuePercentile:
		if s.c.Percentile > 0 { // the smallest number with so many at or below it
			for _, x := range nums {
				if 100*float64(atMost(nums, x)) >= s.c.Percentile*float64(len(nums)) {
					return s.c.Holds(x)
				}
			}
		}
		// An event with several numbers counts with its greatest.
		return s.c.Holds(100 * float64(atMost(nums, slices.Max(figures(newest, s.c.Fields)))) / float64(len(nums)))
	}
	switch {
	case s.c.Expr != nil:
		if !s.c.Expr(func(i int) bool { return there[i] }) {
			return false
		}
	case s.c.Holds != nil:
		if !s.c.Holds(float64(len(there))) {
			return false
		}
	case len(there) < len(s.c.Rules):
		return false
	}
	return s.c.Type == Temporal || s.ordered(window, there)
}

func atMost(nums []float64, x float64) int {
	k := 0
	for _, y := range nums {
		if y <= x {
			k++
		}
	}
	return k
}

// ordered tries every choice of one event for each rule that is there.
func (s *slow) ordered(window []*match.Match, there map[int]bool) bool {
	var needed []int32
	for i, r := range s.c.Rules {
		if there[i] {
			needed = append(needed, r)
		}
	}
	var try func(from, k int) bool
	try = func(from, k int) bool {
		for i := from; i < len(window); i++ {
			if !slices.Contains(window[i].Rules, needed[k]) {
				continue
			}
			if k == len(needed)-1 {
				if i == len(window)-1 {
					return true
				}
			} else if try(i+1, k+1) {
				return true
			}
		}
		return false
	}
	return len(needed) > 0 && try(0, 0)
}

func (s *slow) singles(group string, ms []*match.Match) []string {
	type key struct{ entity, outcome string }
	open := map[key][]*match.Match{}
	var out []string
	for i, m := range ms {
		if s.c.Type == Absent && !s.missed(ms[:i], m) || s.c.Type == FirstSeen && !s.fresh(ms[:i], ms[0], m) {
			continue
		}
		k := key{s.entity(group, m), m.Event.Outcome}
		if o := open[k]; len(o) > 0 && m.Time-o[0].Time > int64(s.window) {
			out = append(out, written(k.entity, o[0].Time, o))
			open[k] = nil
		}
		open[k] = append(open[k], m)
	}
	for k, o := range open {
		out = append(out, written(k.entity, o[0].Time, o))
	}
	return out
}

// missed reports whether m is of the last rule and none of the others came before.
func (s *slow) missed(before []*match.Match, m *match.Match) bool {
	last := len(s.c.Rules) - 1
	if !slices.Contains(m.Rules, s.c.Rules[last]) {
		return false
	}
	for _, x := range before {
		for _, r := range s.c.Rules[:last] {
			if slices.Contains(x.Rules, r) && m.Time-x.Time <= int64(s.c.Timespan) {
				return false
			}
		}
	}
	return true
}

// fresh reports whether m has a tuple that no event before has that is recent enough.
// Expiries in these tests are multiples of a second and below a minute: the time of the
// last event is kept to a second, or to a 24th of the expiry, rounded down.
func (s *slow) fresh(before []*match.Match, first, m *match.Match) bool {
	if m.Time-first.Time < int64(s.c.Learning) {
		return false
	}
	for t := range products(m, s.c.Fields) {
		known := false
		for _, x := range before {
			near := s.c.Expiry == 0 || m.Time-x.Time <= int64(s.c.Expiry+max(s.c.Expiry/24, time.Second))
			known = known || near && products(x, s.c.Fields)[t]
		}
		if !known {
			return true
		}
	}
	return false
}

// randomMatches are dense around a timespan of ten seconds, with ties.
func randomMatches(r *rand.Rand, n int) []*match.Match {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var out []*match.Match
	second := 100
	for id := range n {
		second += []int{0, 0, 0, 1, 1, 2, 3, 4, 5, 9, 10, 11}[r.IntN(12)]
		var rules []int32
		for i := range int32(3) {
			if r.IntN(2) == 0 {
				rules = append(rules, i)
			}
		}
		m := at(second, id+1, pick("a", "a", "b", "c", "a|b", ""), pick("x", "y", "z", "x|y", ""), pick("1", "2", "2.5", "-3", "7", "4|4|9", "none", ""), rules...)
		m.Event.Outcome = pick("success", "success", "denied")
		out = append(out, m)
	}
	return out
}

// types are all types of correlations.
var types = []Type{EventCount, ValueCount, ValueSum, ValueAvg, ValueMedian, ValuePercentile, Temporal, TemporalOrdered, FirstSeen, Absent}

// randomCorrelation makes a correlation of a type over the rules 0 to 2.
func randomCorrelation(r *rand.Rand, typ Type) Correlation {
	some := func(lists ...[]string) func(r *rand.Rand) []string {
		return func(r *rand.Rand) []string { return lists[r.IntN(len(lists))] }
	}
	groupBy := some(nil, []string{"user"}, []string{"src"}, []string{"user", "src"})
	c := Correlation{Type: typ, Rules: [][]int32{{0}, {0, 1}, {1, 0, 2}}[r.IntN(3)], GroupBy: groupBy(r), Timespan: time.Duration(5+r.IntN(25)) * time.Second}
	k := float64(r.IntN(8))
	c.Holds = []func(float64) bool{
		func(n float64) bool { return n >= k }, func(n float64) bool { return n > k && n <= k+2 }, func(n float64) bool { return n == k }, func(n float64) bool { return n < k },
	}[r.IntN(4)]
	switch typ {
	case ValueCount, FirstSeen:
		c.Fields = some([]string{"src"}, []string{"src", "bytes"}, []string{"user"})(r)
	case ValueSum, ValueAvg, ValueMedian, ValuePercentile:
		c.Fields = []string{"bytes"}
	}
	switch typ {
	case ValuePercentile:
		c.Percentile = []float64{0, 1, 7, 50, 55, 99.9, 100}[r.IntN(7)]
		if c.Percentile == 0 {
			k *= 12.5
		}
	case Temporal, TemporalOrdered:
		c.Rules = [][]int32{{0, 1}, {2, 1, 0}}[r.IntN(2)]
		switch r.IntN(3) {
		case 0:
			c.Holds = nil
		case 1:
			c.Expr = func(is func(int) bool) bool { return is(0) && !is(1) || is(1) && is(len(c.Rules)-1) }
		default:
			k = float64(r.IntN(4))
		}
	case FirstSeen:
		c.Learning = time.Duration(r.IntN(30)) * time.Second
		c.Expiry = []time.Duration{0, 5 * time.Second, 24 * time.Second}[r.IntN(3)]
	case Absent:
		c.Rules = [][]int32{{0, 1}, {2, 1, 0}}[r.IntN(2)]
	}
	return c
}

func TestAgainstSlow(t *testing.T) {
	for _, typ := range types {
		t.Run(string(typ), func(t *testing.T) {
			found := 0
			for seed := range uint64(80) {
				r := rand.New(rand.NewPCG(seed, 7))
				c, s := randomCorrelation(r, typ), slow{window: time.Duration(5+r.IntN(25)) * time.Second}
				s.c, s.all = c, randomMatches(r, 120)
				rules := with(c)
				rules[3].Info.Window = s.window
				fs, _ := judged(t, Options{Rules: rules}, s.all...)
				got, want := brief(fs), s.findings()
				for _, f := range fs {
					if f.RuleID != "c" {
						t.Errorf("a finding of rule %q", f.RuleID)
					}
				}
				sort.Strings(got)
				found += len(got)
				if d := gocmp.Diff(append([]string{}, want...), got); d != "" {
					t.Fatalf("seed %d, %+v: %s", seed, c, d)
				}
			}
			if found < 80 {
				t.Errorf("only %d findings: the test says little", found)
			}
		})
	}
}
