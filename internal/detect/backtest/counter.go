package backtest

import (
	"maps"
	"slices"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/ruleset"
)

// counter counts matches and findings as a hunt brings them.
type counter struct {
	rules   []ruleset.Rule
	id      string // of the rule under test
	main    int    // its position
	zone    *time.Location
	days    map[string]*Day
	beneath []Beneath // by position
	tables  []*table
	rep     Report
}

func newCounter(rules []ruleset.Rule, id string, zone *time.Location) *counter {
	c := &counter{rules: rules, id: id, zone: zone, days: map[string]*Day{}, beneath: make([]Beneath, len(rules))}
	for i := range rules {
		r := &rules[i]
		if r.ID == id {
			c.main = i
			c.rep.Rule = r.Info
		}
		c.beneath[i] = Beneath{ID: r.ID, Title: r.Title, Kind: r.Kind, Off: r.Off}
	}
	for _, name := range fields {
		c.tables = append(c.tables, newTable(name))
	}
	return c
}

func (c *counter) day(t time.Time) *Day {
	name := t.In(c.zone).Format(time.DateOnly)
	d := c.days[name]
	if d == nil {
		d = &Day{Day: name}
		c.days[name] = d
	}
	return d
}

// match takes an event that some of the rules match.
func (c *counter) match(m *match.Match, _ finding.Who) {
	at := time.Unix(0, m.Time).UTC()
	d := c.day(at)
	d.Matched++
	for _, i := range m.Rules {
		b := &c.beneath[i]
		b.Matched++
		b.at(at, d.Day)
	}
}

// take counts a finding. Only those of the rule under test are kept.
func (c *counter) take(f *finding.Finding) bool {
	if f.RuleID != c.id {
		if i := slices.IndexFunc(c.rules, func(r ruleset.Rule) bool { return r.ID == f.RuleID }); i >= 0 {
			c.beneath[i].Findings++
			c.beneath[i].at(f.Time, c.day(f.Time).Day)
		}
		return false
	}
	r := &c.rep
	r.Findings++
	r.Events += f.Count
	if r.First.IsZero() || f.First.Before(r.First) {
		r.First = f.First
	}
	if f.Last.After(r.Last) {
		r.Last = f.Last
	}
	d := c.day(f.Time)
	d.Findings++
	d.Events += f.Count
	for _, t := range c.tables[:len(fields)] {
		t.add(f, f.Get(t.field))
	}
	for _, x := range f.Fields {
		c.own(x.Name).add(f, x.Values)
	}
	return true
}

// own returns the table of a field that the rule itself shows, nil beyond mostOwn.
func (c *counter) own(name string) *table {
	for _, t := range c.tables[len(fields):] {
		if t.field == name {
			return t
		}
	}
	if len(c.tables) == len(fields)+mostOwn {
		return nil
	}
	c.tables = append(c.tables, newTable(name))
	return c.tables[len(c.tables)-1]
}

func (c *counter) report() *Report {
	r := &c.rep
	for _, name := range slices.Sorted(maps.Keys(c.days)) {
		r.Days = append(r.Days, *c.days[name])
	}
	for i := range c.beneath {
		if i != c.main {
			r.Beneath = append(r.Beneath, c.beneath[i])
		}
	}
	for _, t := range c.tables {
		if t := t.table(); len(t.Rows) > 0 {
			r.Tables = append(r.Tables, t)
		}
	}
	return r
}
