package hunt

import (
	"bluetrail/internal/actor"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/identity"
)

// Triage says how findings are triaged.
type Triage struct {
	Networks  actor.Networks
	Overrides *actor.Overrides
	Allowed   func(*finding.Finding, *rule.Info) string // see triage.Facts; nil = nothing
	All       bool                                      // quiet findings stay in the result
}

// Triaged counts what triage has done.
type Triaged struct {
	Lowered int                   // findings whose severity is lower than their rule's
	Quiet   map[triage.Reason]int // findings, by who quieted them
	Classes map[string]int        // findings by the class of their actors
}

// desk makes of what the workers gathered what triages findings.
func (r *Result) desk(o *Options, scans []*scan, trail *identity.Trail) *triage.Desk {
	if o.Triage == nil {
		return nil
	}
	r.Book = actor.NewBook(o.Triage.Networks, trail)
	r.Book.Overrides = o.Triage.Overrides
	for _, s := range scans {
		if s != nil {
			r.Book.Take(s.recorder)
			s.recorder = nil
		}
	}
	r.Triaged = Triaged{Quiet: map[triage.Reason]int{}, Classes: map[string]int{}}
	byID := map[string]*rule.Info{}
	for i := range o.Rules.Rules {
		byID[o.Rules.Rules[i].ID] = &o.Rules.Rules[i].Info
	}
	desk := &triage.Desk{Rule: func(id string) *rule.Info { return byID[id] }, Actor: r.Book.Opinion, Strange: r.Book.Strange, Own: r.Book.Own}
	if allowed := o.Triage.Allowed; allowed != nil {
		desk.Allowed = func(f *finding.Finding) string { return allowed(f, byID[f.RuleID]) }
	}
	return desk
}

// triage sets what a finding shows, and reports whether it stays in the result.
func (r *Result) triage(o *Options, desk *triage.Desk, f *finding.Finding) bool {
	if desk == nil {
		return true
	}
	v := desk.Apply(f)
	for _, c := range v.Classes {
		r.Triaged.Classes[c]++
	}
	switch {
	case v.Quiet != triage.NotQuiet:
		r.Triaged.Quiet[v.Quiet]++
	case f.Severity != f.RuleSeverity:
		r.Triaged.Lowered++
	}
	return v.Quiet == triage.NotQuiet || o.Triage.All
}
