// Package scorecard holds findings against the labels of a staged trail: which
// attacks were caught, by what and after how long, which look-alikes stayed quiet, and
// what rules said of everything else.
package scorecard

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/generate"
)

// Alarm is what a rule said: a finding, or a finding of an alert.
type Alarm struct {
	ID       string // of the finding, or of the alert, which is one with all its findings
	Rule     string
	Severity rule.Severity
	Time     time.Time // when the rule fired, in time of events
	First    time.Time // of the events
	Last     time.Time
	Actor    []string
	Account  []string
	Source   []string
	EventIDs []string
}

// Of makes an alarm of a finding.
func Of(f *finding.Finding) Alarm {
	return Alarm{ID: f.ID, Rule: f.Rule, Severity: f.Severity, Time: f.Time, First: f.First, Last: f.Last, Actor: f.Actor, Account: f.Account, Source: f.SourceIP, EventIDs: f.EventIDs}
}

// above says whether the alarm is one that somebody has to look at.
func (a *Alarm) above() bool { return a.Severity.Rank() > rule.Low.Rank() }

// Line is a label with what the rules made of it.
type Line struct {
	generate.Label
	Rules    []string      // above low, the worst first
	LowRules []string      // the others
	Severity rule.Severity // the worst, "" = none
	After    time.Duration // from the first event to the first alarm above low
}

// Alarmed says whether an alarm above low belongs to the label.
func (l *Line) Alarmed() bool { return len(l.Rules) > 0 }

// Right says whether the rules did what the label expects.
func (l *Line) Right() bool {
	switch l.Expect {
	case generate.Caught:
		return l.Alarmed()
	case generate.Quiet:
		return !l.Alarmed()
	}
	return true
}

// Fired counts the alarms above low of a rule.
type Fired struct {
	Rule     string
	Severity rule.Severity // the worst
	Alarms   int
}

// Card is the comparison.
type Card struct {
	Attacks    []Line // expected to be caught, in the order of the labels
	Lookalikes []Line // the others
	// Ordinary are alarms above low that belong to no attack and to no look-alike of
	// which either is right, by rule, the most frequent first.
	Ordinary []Fired
	// Doubtful are those that belong to such a look-alike.
	Doubtful []Fired
}

// Missed are the attacks without an alarm above low.
func (c *Card) Missed() []Line {
	return slices.DeleteFunc(slices.Clone(c.Attacks), func(l Line) bool { return l.Right() })
}

// Loud are the look-alikes that must be quiet, and are not.
func (c *Card) Loud() []Line {
	return slices.DeleteFunc(slices.Clone(c.Lookalikes), func(l Line) bool { return l.Right() })
}

// MustBeQuiet are the look-alikes that no rule may report above low.
func (c *Card) MustBeQuiet() []Line {
	return slices.DeleteFunc(slices.Clone(c.Lookalikes), func(l Line) bool { return l.Expect != generate.Quiet })
}

// Alarms adds up the alarms of rules.
func Alarms(list []Fired) (n int) {
	for _, f := range list {
		n += f.Alarms
	}
	return n
}

// slack is how long before and after the events of a label an alarm without
// event IDs may have its own.
const slack = 15 * time.Minute

// New compares. An alarm belongs to the labels whose events it names. One that names
// no events belongs to the labels of its account and time with its actor or address.
// An alarm that belongs to an attack makes no look-alike loud.
func New(labels []generate.Label, alarms []Alarm) *Card {
	of := map[string][]int{} // labels by event
	for i := range labels {
		for _, id := range labels[i].EventIDs {
			of[id] = append(of[id], i)
		}
	}
	lines := make([]Line, len(labels))
	worst := make([]map[string]rule.Severity, len(labels)) // by rule
	for i := range labels {
		lines[i].Label, worst[i] = labels[i], map[string]rule.Severity{}
	}
	told := map[string]generate.Expectation{} // what alarms belong to, by ID: an attack before a look-alike of which either is right
	belongs := make([][]int, len(alarms))
	for i := range alarms {
		a := &alarms[i]
		belongs[i] = a.labels(labels, of)
		for _, n := range belongs[i] {
			if expect := labels[n].Expect; expect == generate.Caught || told[a.ID] == "" && expect == generate.Either {
				told[a.ID] = expect
			}
		}
	}
	for i := range alarms {
		a := &alarms[i]
		for _, n := range belongs[i] {
			l := &lines[n]
			if told[a.ID] == generate.Caught && l.Expect != generate.Caught {
				continue // it is about an attack, and has ordinary events, too
			}
			if after := max(a.Time.Sub(l.First), 0); a.above() && (!l.Alarmed() || after < l.After) {
				l.After = after
			}
			if worst[n][a.Rule].Rank() < a.Severity.Rank() {
				worst[n][a.Rule] = a.Severity
			}
			if a.above() && !slices.Contains(l.Rules, a.Rule) {
				l.Rules = append(l.Rules, a.Rule)
			}
			if l.Severity.Rank() < a.Severity.Rank() {
				l.Severity = a.Severity
			}
		}
	}
	card := &Card{Ordinary: fired(alarms, told, ""), Doubtful: fired(alarms, told, generate.Either)}
	for i := range lines {
		l := &lines[i]
		for name := range worst[i] {
			if !slices.Contains(l.Rules, name) {
				l.LowRules = append(l.LowRules, name)
			}
		}
		slices.Sort(l.LowRules)
		slices.SortFunc(l.Rules, func(x, y string) int {
			return cmp.Or(cmp.Compare(worst[i][y].Rank(), worst[i][x].Rank()), cmp.Compare(x, y))
		})
		if l.Expect == generate.Caught {
			card.Attacks = append(card.Attacks, *l)
		} else {
			card.Lookalikes = append(card.Lookalikes, *l)
		}
	}
	return card
}

// labels returns the labels that the alarm belongs to.
func (a *Alarm) labels(labels []generate.Label, of map[string][]int) []int {
	var belongs []int
	for _, id := range a.EventIDs {
		for _, n := range of[id] {
			if !slices.Contains(belongs, n) {
				belongs = append(belongs, n)
			}
		}
	}
	if len(a.EventIDs) > 0 {
		return belongs
	}
	for i := range labels {
		l := &labels[i]
		if slices.Contains(a.Account, l.Account) && !a.First.After(l.Last.Add(slack)) && !a.Last.Before(l.First.Add(-slack)) &&
			(slices.Contains(a.Actor, l.Actor) || slices.Contains(a.Source, l.Source)) {
			belongs = append(belongs, i)
		}
	}
	return belongs
}

// fired counts the alarms above low of which an expectation was told.
func fired(alarms []Alarm, told map[string]generate.Expectation, expect generate.Expectation) []Fired {
	rules, seen := map[string]*Fired{}, map[[2]string]bool{}
	for i := range alarms {
		a := &alarms[i]
		if !a.above() || told[a.ID] != expect {
			continue
		}
		f := rules[a.Rule]
		if f == nil {
			f = &Fired{Rule: a.Rule}
			rules[a.Rule] = f
		}
		if key := [2]string{a.Rule, a.ID}; !seen[key] {
			seen[key] = true
			f.Alarms++
		}
		if f.Severity.Rank() < a.Severity.Rank() {
			f.Severity = a.Severity
		}
	}
	list := make([]Fired, 0, len(rules))
	for _, f := range rules {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(x, y Fired) int {
		return cmp.Or(cmp.Compare(y.Alarms, x.Alarms), cmp.Compare(x.Rule, y.Rule))
	})
	return list
}

// Stories are the intrusions of the attacks, in the order in which they begin.
func (c *Card) Stories() []string {
	first := map[string]time.Time{}
	for i := range c.Attacks {
		l := &c.Attacks[i]
		if at, ok := first[l.Story]; !ok || l.First.Before(at) {
			first[l.Story] = l.First
		}
	}
	return slices.SortedFunc(maps.Keys(first), func(x, y string) int {
		return cmp.Or(first[x].Compare(first[y]), cmp.Compare(x, y))
	})
}
