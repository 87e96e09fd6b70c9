// Package backtest runs one rule over past events and counts how often it would have
// fired: by day, by who was behind it, on what.
package backtest

import (
	"context"
	"time"

	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/rule"
)

// Report says how often a rule would have fired.
type Report struct {
	Rule     rule.Info
	Hunt     *hunt.Result // of the rule; Hunt.Findings are at most hunt.MaxFindings
	Findings int64
	Events   int64     // in the findings
	First    time.Time // event in a finding; zero = the rule never fired
	Last     time.Time
	Days     []Day // those on which it fired or something matched, in order
	Span     int   // calendar days from the first event read to the last
	Tables   []Table
	Beneath  []Beneath // the rules that a correlation refers to
}

// Day is a calendar day of the zone asked for.
type Day struct {
	Day      string `json:"day"` // as in 2026-03-01
	Findings int64  `json:"findings"`
	Events   int64  `json:"events"`  // in these findings
	Matched  int64  `json:"matched"` // events of the day that the rule, or one beneath it, matches
}

// Quiet returns how many days had no finding.
func (r *Report) Quiet() int {
	quiet := r.Span
	for _, d := range r.Days {
		if d.Findings > 0 {
			quiet--
		}
	}
	return max(quiet, 0)
}

// Beneath is a rule that the one under test refers to, directly or through others.
type Beneath struct {
	ID       string    `json:"rule_id"`
	Title    string    `json:"title"`
	Kind     rule.Kind `json:"kind"`
	Matched  int64     `json:"matched"`        // events; of rules that look at one event at a time
	Findings int64     `json:"findings"`       // of correlations
	Days     int       `json:"days"`           // with one of these
	First    time.Time `json:"first,omitzero"` // zero = there was none
	Last     time.Time `json:"last,omitzero"`
	Off      string    `json:"off,omitempty"` // why it does not run

	seen map[string]bool // days
}

func (b *Beneath) at(t time.Time, day string) {
	if b.First.IsZero() || t.Before(b.First) {
		b.First = t
	}
	if t.After(b.Last) {
		b.Last = t
	}
	if !b.seen[day] {
		if b.seen == nil {
			b.seen = map[string]bool{}
		}
		b.seen[day] = true
		b.Days++
	}
}

// Run runs the rule at a position of o.Rules, even if it is switched off or only serves
// others. Days are those of zone.
func Run(ctx context.Context, o hunt.Options, position int, zone *time.Location) (*Report, error) {
	id := o.Rules.Rules[position].ID
	o.Rules = o.Rules.Only(position)
	o.Severity = ""
	c := newCounter(o.Rules.Rules, id, zone)
	for i := range o.Rules.Rules {
		if r := &o.Rules.Rules[i]; r.ID != id {
			r.Silent = r.Event != nil // correlations beneath are counted by their findings
		}
	}
	o.Matched, o.Take = c.match, c.take
	res, err := hunt.Run(ctx, o)
	if err != nil {
		return nil, err
	}
	r := c.report()
	r.Hunt = res
	if res.Events > 0 {
		r.Span = daysBetween(res.First.In(zone), res.Last.In(zone))
	}
	return r, nil
}

// daysBetween counts calendar days, the first and the last included.
func daysBetween(first, last time.Time) int {
	midnight := func(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) }
	return int(midnight(last).Sub(midnight(first))/(24*time.Hour)) + 1
}
