package judge

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/judge/seen"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/rule"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/s2"
)

// database keeps what a Replayer hands out, as text, and makes another one of it.
type database struct {
	t        *testing.T
	o        ReplayOptions
	findings map[string]string // by ID
	units    map[string][]byte
	waiting  map[int64][]byte
	seen     map[string]seen.Row
	memory   *seen.Memory
	r        *Replayer
}

func newDatabase(t *testing.T, o ReplayOptions) *database {
	d := &database{t: t, o: o, findings: map[string]string{}, units: map[string][]byte{}, waiting: map[int64][]byte{}, seen: map[string]seen.Row{}}
	d.open()
	return d
}

// open starts with what was stored.
func (d *database) open() {
	d.memory = seen.New(0, true)
	for _, row := range d.seen {
		d.memory.Restore(&row)
	}
	d.o.Seen, d.o.Stored = d.memory, func(id string) (*finding.Finding, error) {
		text, ok := d.findings[id]
		if !ok {
			return nil, nil
		}
		var f finding.Finding
		return &f, json.Unmarshal([]byte(text), &f)
	}
	var faults []Fault
	if d.r, faults = NewReplayer(d.o); len(faults) > 0 {
		d.t.Fatal(faults[0].Err)
	}
	for unit, body := range d.units {
		if err := d.r.Restore(&UnitRow{[]byte(unit), body}); err != nil {
			d.t.Fatal(err)
		}
	}
	for n, body := range d.waiting {
		if err := d.r.RestoreWaiting(&WaitingRow{n, body}); err != nil {
			d.t.Fatal(err)
		}
	}
}

// judge commits.
func (d *database) judge(now int64) {
	d.t.Helper()
	delta, err := d.r.Judge(context.Background(), time.Unix(0, now))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, id := range delta.Gone {
		if _, ok := d.findings[id]; !ok {
			d.t.Errorf("finding %s is gone and was never there", id)
		}
		delete(d.findings, id)
	}
	for _, f := range delta.Findings {
		d.findings[f.ID] = string(f.Body)
	}
	for _, u := range delta.Units {
		if u.Body == nil {
			delete(d.units, string(u.Unit))
		} else {
			d.units[string(u.Unit)] = u.Body
		}
	}
	for _, x := range delta.Waiting {
		if x.Body == nil {
			delete(d.waiting, x.Number)
		} else {
			d.waiting[x.Number] = x.Body
		}
	}
	d.compareWaiting()
	for _, row := range d.memory.Changed() {
		d.seen[row.Rule+row.Tuple()] = row
	}
	size, held := d.r.size, d.r.held
	for _, ls := range d.r.lives {
		for _, l := range ls {
			d.r.weigh(l)
		}
	}
	if size != d.r.size || held != d.r.held {
		d.t.Fatalf("%d groups and %d events are counted; there are %d and %d", size, held, d.r.size, d.r.held)
	}
}

// compareWaiting holds the rows against what the Replayer has.
func (d *database) compareWaiting() {
	d.t.Helper()
	got, want := map[string]int{}, map[string]int{}
	for _, body := range d.waiting {
		if err := EachWaiting(body, func(unit []byte) { got[string(unit)]++ }); err != nil {
			d.t.Fatal(err)
		}
	}
	for _, ls := range d.r.lives {
		for _, l := range ls {
			if len(l.tail) > 0 {
				want[string(d.r.name(l))] = len(l.tail)
			}
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		d.t.Fatalf("rows (-want +got): %s", diff)
	}
}

// moved puts k rules that match nothing before others.
func moved(rules []Rule, k int32) []Rule {
	var out []Rule
	for i := range k {
		out = append(out, Rule{Info: &rule.Info{ID: fmt.Sprintf("x%d", i), Title: "x"}})
	}
	for _, r := range rules {
		if r.Correlation != nil {
			c := *r.Correlation
			c.Rules = slices.Clone(c.Rules)
			for i := range c.Rules {
				c.Rules[i] += k
			}
			r.Correlation = &c
		}
		out = append(out, r)
	}
	return out
}

// writtenJSON encodes findings by ID.
func writtenJSON(fs []*finding.Finding) map[string]string {
	out := map[string]string{}
	for _, f := range fs {
		body, _ := json.Marshal(f)
		out[f.ID] = string(body)
	}
	return out
}

// TestReplay delivers random matches late, in pieces, twice, with restarts, changing
// positions of rules and changing knowledge of who called. The findings have to be those
// of a Judge that sees the whole in order.
func TestReplay(t *testing.T) {
	const lateness = 40 * time.Second
	for _, typ := range types {
		t.Run(string(typ), func(t *testing.T) {
			found, folded := 0, 0
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 8))
				c := randomCorrelation(r, typ)
				rules := with(c)
				rules[3].Info.Window = 20 * time.Second
				rules[0].Silent, rules[0].Info.Window = false, 15*time.Second // an event rule, by actor
				if r.IntN(2) == 0 {
					inner := randomCorrelation(r, types[r.IntN(len(types))])
					rules = append(rules, Rule{Info: &rule.Info{ID: "inner", Title: "inner", Kind: rule.Correlation}, Correlation: &inner, Silent: r.IntN(2) == 0})
					outer := Correlation{Type: EventCount, Rules: []int32{4, 1}, GroupBy: [][]string{nil, {"user"}, {"actor"}}[r.IntN(3)], Timespan: 20 * time.Second, Holds: gte(2)}
					rules = append(rules, Rule{Info: &rule.Info{ID: "outer", Title: "outer", Kind: rule.Correlation}, Correlation: &outer})
				}
				ms := randomMatches(r, 120)
				arrivals := slices.Clone(ms)
				for _, m := range ms {
					m.Arrival = m.Time + r.Int64N(int64(lateness))
				}
				slices.SortFunc(arrivals, func(a, b *match.Match) int { return cmp.Compare(a.Arrival, b.Arrival) })
				known := false
				who := func(caller string) finding.Who {
					if known {
						return finding.Who{Actor: "boss of " + string(caller), Type: "IAM user"}
					}
					return resolve(caller)
				}
				learnt := arrivals[0].Arrival + int64(lateness)/2
				d := newDatabase(t, ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: who}, Lateness: lateness})
				shift := int32(0)
				for len(arrivals) > 0 {
					k := min(1+r.IntN(12), len(arrivals))
					now := arrivals[k-1].Arrival
					if !known && now >= learnt {
						known = true
						d.r.Reresolve()
					}
					for _, m := range arrivals[:k] {
						x := *m
						x.Rules = slices.Clone(m.Rules)
						for i := range x.Rules {
							x.Rules[i] += shift
						}
						d.r.Add(&x)
						if r.IntN(9) == 0 {
							d.r.Add(&x)
						}
					}
					d.judge(now)
					arrivals = arrivals[k:]
					if r.IntN(5) == 0 {
						shift = int32(r.IntN(3))
						d.o.Rules = moved(rules, shift)
						d.open()
					}
				}
				for _, ls := range d.r.lives {
					for _, l := range ls {
						folded -= len(l.tail)
					}
				}
				folded += len(ms)
				known = true
				d.r.Reresolve()
				end := ms[len(ms)-1].Time + int64(2*lateness)
				for _, m := range ms {
					end = max(end, m.Arrival)
				}
				d.judge(end)
				d.judge(end + int64(2*time.Hour))
				if units, matches := d.r.Size(); units != 0 || matches != 0 || len(d.units) != 0 || len(d.waiting) != 0 || d.r.size != 0 || d.r.held != 0 {
					t.Errorf("seed %d: after the end %d units, %d matches, %d and %d rows, %d groups, %d events", seed, units, matches, len(d.units), len(d.waiting), d.r.size, d.r.held)
				}
				if s := d.r.Stats(); s.Late != 0 {
					t.Errorf("seed %d: %d are late", seed, s.Late)
				}
				fs, j := judged(t, Options{Rules: rules, Resolve: who, Seen: seen.New(0, true)}, ms...)
				found += len(fs)
				if diff := gocmp.Diff(writtenJSON(fs), d.findings); diff != "" {
					t.Fatalf("seed %d, %+v: %s", seed, c, diff)
				}
				memory := map[string]seen.Row{}
				for _, row := range j.memory.(*seen.Memory).Changed() {
					memory[row.Rule+row.Tuple()] = row
				}
				if diff := gocmp.Diff(memory, d.seen); diff != "" {
					t.Fatalf("seed %d: remembered: %s", seed, diff)
				}
			}
			if found < 50 || folded < 50 {
				t.Errorf("only %d findings, %d folded", found, folded)
			}
		})
	}
}

// TestVeryLate feeds old matches beside new ones, long after the horizon has passed
// them: they are judged among themselves.
func TestVeryLate(t *testing.T) {
	count := Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user"}, Timespan: time.Minute, Holds: gte(3)}
	rules := with(count)
	rules[0].Silent = false
	d := newDatabase(t, ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: resolve}, Lateness: time.Hour})
	const day = 24 * 3600
	add := func(arrival int, ms ...*match.Match) {
		for _, m := range ms {
			m.Arrival = int64(arrival) * int64(time.Second)
			d.r.Add(m)
		}
		d.judge(int64(arrival) * int64(time.Second))
	}
	add(10*day, at(10*day, 1, "a", "", "", 0))
	add(10*day+7200, at(10*day+7200, 2, "a", "", "", 0))
	add(10*day+7300, at(day+5, 3, "a", "", "", 0), at(10*day+7250, 4, "a", "", "", 0), at(day+1, 5, "a", "", "", 0))
	d.open()
	add(10*day+7301, at(day+3, 6, "a", "", "", 0), at(10*day+7251, 7, "a", "", "", 0))
	add(10*day+30000, at(10*day+30000, 8, "b", "", "", 0))
	add(10*day+60000, at(10*day+60000, 9, "b", "", "", 0))
	add(10*day+60001, at(10*day+7252, 10, "a", "", "", 0)) // into a finding whose unit is gone
	var got []string
	for _, text := range d.findings {
		var f finding.Finding
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		if f.RuleID == "c" {
			got = append(got, brief([]*finding.Finding{&f})...)
		} else if f.First.Unix() == 10*day+7200 && f.Count != 4 {
			t.Errorf("the finding of a unit that is gone has %d events, want 4", f.Count)
		}
	}
	slices.Sort(got)
	want := []string{fmt.Sprintf("a: e2 e4 e7 (3, at %d)", 10*day+7251), fmt.Sprintf("a: e5 e6 e3 (3, at %d)", day+5)}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s := d.r.Stats(); s.Late != 0 { // counted by the Replayer before the restart
		t.Errorf("%+v", s)
	}
}

// TestReplayLimits gives up units and folds early where there are too many matches.
func TestReplayLimits(t *testing.T) {
	rules := with(Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user"}, Timespan: time.Hour, Holds: gte(2)})
	rules[1].Silent = false
	d := newDatabase(t, ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: resolve, Limits: Limits{Groups: 100, Held: 5000}}, Lateness: time.Hour})
	events, id := 0, 0
	for i := range 300 {
		for range 4 {
			id++
			m := at(i, id, fmt.Sprintf("u%d", i%150), "", "", 0, 1)
			m.Arrival = m.Time
			d.r.Add(m)
		}
		d.judge(int64(i) * int64(time.Second))
		if d.r.size > 100 || d.r.held > 5000 {
			t.Fatalf("%d groups, %d events", d.r.size, d.r.held)
		}
	}
	d.judge(int64(10 * time.Hour))
	for _, text := range d.findings {
		var f finding.Finding
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatal(err)
		}
		if f.RuleID == "r1" {
			events += int(f.Count)
		}
	}
	if events != id || d.r.Stats().Evicted == 0 {
		t.Errorf("%d events in findings, want %d; %+v", events, id, d.r.Stats())
	}

	// Many matches of few units: they are judged early, and no unit is given up.
	d = newDatabase(t, ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: resolve, Limits: Limits{Held: 9000}}, Lateness: time.Hour})
	var ms []*match.Match
	for i := range 20_000 {
		m := at(i/20, i+1, fmt.Sprintf("u%d", i%10), "", "", 0, 1)
		m.Arrival = m.Time
		ms = append(ms, m)
		d.r.Add(m)
		if i%500 == 499 {
			d.judge(m.Time)
			if d.r.held > 9000 {
				t.Fatalf("%d events are held", d.r.held)
			}
		}
	}
	d.judge(int64(10 * time.Hour))
	fs, _ := judged(t, Options{Rules: rules}, ms...)
	if diff := gocmp.Diff(writtenJSON(fs), d.findings); diff != "" || d.r.Stats().Evicted != 0 || d.r.Stats().Hurried == 0 {
		t.Errorf("%+v: %s", d.r.Stats(), diff)
	}

	d = newDatabase(t, ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: resolve}, Lateness: time.Hour})
	for i := range maxTail + 10 {
		d.r.Add(at(0, i+1, "u", "", "", 1))
	}
	d.judge(0)
	if _, n := d.r.Size(); n > maxTail/2+10 || d.r.Stats().Hurried == 0 {
		t.Errorf("%d matches are kept; %+v", n, d.r.Stats())
	}
}

// TestForeignRows restores what is of other rules, or damaged.
func TestForeignRows(t *testing.T) {
	rules := with(Correlation{Type: EventCount, Rules: []int32{0}, GroupBy: []string{"user"}, Timespan: time.Hour, Holds: gte(2)})
	o := ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: resolve}, Prints: []string{"a", "b", "c", "d"}}
	d := newDatabase(t, o)
	m := at(1, 1, "u", "", "", 0)
	m.Arrival = 5
	d.r.Add(m)
	d.judge(4)
	m = at(2, 2, "u", "", "", 0)
	m.Arrival = 6
	d.r.Add(m)
	d.judge(5)
	if len(d.waiting) == 0 {
		t.Fatal("nothing waits")
	}
	units, waiting := d.r.Rows()
	if len(units) != 0 && len(waiting) != len(d.waiting) {
		t.Errorf("%d units, %d rows of matches", len(units), len(waiting))
	}
	for name, change := range map[string]func(o *ReplayOptions){
		"another print": func(o *ReplayOptions) { o.Prints = []string{"a", "b", "c", "e"} },
		"another rule": func(o *ReplayOptions) {
			o.Rules = slices.Clone(o.Rules)
			o.Rules[3].Info = &rule.Info{ID: "other"}
		},
	} {
		other := o
		change(&other)
		r, _ := NewReplayer(other)
		for n, body := range d.waiting {
			if err := r.RestoreWaiting(&WaitingRow{n, body}); err != ErrForeign {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n, _ := r.Size(); n != 0 {
			t.Errorf("%s: %d units are left", name, n)
		}
	}
	r, _ := NewReplayer(o)
	for n, body := range d.waiting {
		for i := range body {
			bad := slices.Clone(body)
			bad[i] ^= 4
			_ = r.RestoreWaiting(&WaitingRow{n, bad}) // an error or not, but no panic
			if err := r.RestoreWaiting(&WaitingRow{n, body[:i]}); err == nil {
				t.Errorf("%d of %d bytes of a row are taken", i, len(body))
			}
		}
	}
	w := newParcelWriter(d.r)
	for _, en := range d.r.entries {
		w.add(en)
	}
	w.head.Units[0].Name = []byte("x")
	if err := r.RestoreWaiting(&WaitingRow{1, w.take()}); err == nil || err == ErrForeign {
		t.Errorf("a damaged name is taken: %v", err)
	}
}

// oldRow returns a match of one unit as the upgrade of the database leaves it.
func oldRow(r *Replayer, l *life, en *entry, plain bool) []byte {
	s := savedTail{Print: r.print(l)}
	s.savedEvent = savedEvent{s.names.append(nil, r, en.Match, l.base.tree.uses), en.who}
	body := marshal(&s)
	if !plain {
		text := binary.AppendUvarint(nil, uint64(len(s.Match)))
		text = append(text, s.Match...)
		s.Match = nil
		body = append([]byte{packed}, s2.Encode(nil, append(text, marshal(&s)...))...)
	}
	unit := r.name(l)
	return append(fmt.Appendf(nil, "1%08d", len(unit)), append(unit, body...)...)
}

// TestOldRows restores matches as versions before wrote them, one row for each unit: they
// are those of before, and become parcels.
func TestOldRows(t *testing.T) {
	rules := with(Correlation{Type: EventCount, Rules: []int32{0, 1}, GroupBy: []string{"user"}, Timespan: time.Hour, Holds: gte(2)})
	rules[0].Silent, rules[1].Silent = false, false
	o := ReplayOptions{Options: Options{Rules: rules, Wanted: wanted, Resolve: resolve}, Prints: []string{"a", "b", "c", "d"}, Lateness: time.Hour}
	for _, plain := range []bool{true, false} {
		d := newDatabase(t, o)
		for i := range 70 {
			m := at(i, i+1, fmt.Sprintf("u%d", i%3), "", "", 0, 1)
			m.Arrival = m.Time
			d.r.Add(m)
		}
		d.judge(0)
		old := map[int64][]byte{}
		for _, en := range d.r.entries {
			for _, l := range en.lives {
				old[int64(len(old)+1)] = oldRow(d.r, l, en, plain)
				for n := range old[1] {
					if err := EachWaiting(old[1][:n], func([]byte) {}); err == nil {
						t.Fatalf("%d of %d bytes are read", n, len(old[1]))
					}
				}
			}
		}
		if len(old) != 3*70 || len(d.waiting) != 2 {
			t.Fatalf("%d rows of old, %d of now", len(old), len(d.waiting))
		}
		before := d.findings
		d.waiting = old
		d.open()
		d.compareWaiting()
		d.judge(1)
		if diff := gocmp.Diff(before, d.findings); diff != "" || len(d.waiting) != 70 {
			t.Errorf("%d rows, findings: %s", len(d.waiting), diff)
		}
		d.judge(int64(10 * time.Hour))
		if len(d.waiting) != 0 {
			t.Errorf("%d rows are left", len(d.waiting))
		}
	}
}
