package alert

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/state"
)

// Decode returns an alert of the state, which was read with its body.
func Decode(row *state.Alert) (*Alert, error) {
	a := &Alert{}
	if err := json.Unmarshal(row.Body, a); err != nil {
		return nil, fmt.Errorf("alert %q cannot be read: %w", row.ID, err)
	}
	a.Number = row.Number
	return a, nil
}

// Row returns what the alert is listed and looked up by.
func (a *Alert) Row() *state.Alert {
	r := &state.Alert{
		Number: a.Number, ID: a.ID, Rule: a.RuleID, Name: a.Rule, Title: a.Title, Kind: a.EntityKind, Entity: a.Entity, Severity: a.Severity.Rank(), Status: string(a.Status),
		Verdict: string(a.Verdict), Assignee: a.Assignee, Accounts: a.Account, Summary: a.Summary, Risk: a.Risk, Events: a.Count, Findings: a.FindingCount, Silent: a.Silent,
		First: a.First.UnixNano(), Last: a.Last.UnixNano(), Created: a.Created.UnixMilli(), Updated: a.Updated.UnixMilli(), Touched: a.Touched,
	}
	if a.First.IsZero() {
		r.First, r.Last = r.Created*1e6, r.Created*1e6
	}
	if a.Closed != nil {
		r.Closed = a.Closed.UnixMilli()
	}
	return r
}

// values are the lists of values that an alert and a finding share.
func (a *Alert) values() []*finding.Values {
	return []*finding.Values{&a.Actor, &a.ActorType, &a.Chain, &a.Session, &a.UserAgent, &a.Account, &a.Region, &a.EventName, &a.Object}
}

// clear forgets what findings have brought.
func (a *Alert) clear() {
	for _, v := range a.values() {
		*v = nil
	}
	a.EventIDs, a.Fields, a.Outcome, a.Message = nil, nil, "", ""
	a.RuleSeverity, a.Triage, a.ActorClass = "", "", nil
	known := a.Sources
	a.Sources = nil
	for _, s := range known { // keep what is known of them
		if s.FirstSeen {
			a.Sources = append(a.Sources, s)
		}
	}
}

// take adds what a finding shows. A finding that it has taken before, and that grew, may
// be taken again.
func (a *Alert) take(it *item) {
	f := it.f
	from := []finding.Values{f.Actor, f.ActorType, f.Chain, f.Session, f.UserAgent, f.Account, f.Region, f.EventName, f.Object}
	for i, to := range a.values() {
		join((*[]string)(to), from[i], finding.MaxValues)
	}
	join(&a.EventIDs, f.EventIDs, MaxEventIDs)
	for _, address := range f.SourceIP {
		if len(a.Sources) < maxSources && !slices.ContainsFunc(a.Sources, func(s Source) bool { return s.Address == address }) {
			a.Sources = append(a.Sources, About(address))
		}
	}
	switch {
	case a.Outcome == "" || a.Outcome == f.Outcome:
		a.Outcome = f.Outcome
	default:
		a.Outcome = "mixed"
	}
	if own := cmp.Or(f.RuleSeverity, f.Severity); own.Rank() > a.RuleSeverity.Rank() {
		a.RuleSeverity = own
	}
	if it.shown.Why != "" {
		a.Triage = it.shown.Why
	}
	join((*[]string)(&a.ActorClass), it.shown.Classes, finding.MaxValues)
	for _, x := range f.Fields {
		i := slices.IndexFunc(a.Fields, func(y finding.Field) bool { return y.Name == x.Name })
		if i < 0 {
			a.Fields = append(a.Fields, finding.Field{Name: x.Name})
			i = len(a.Fields) - 1
		}
		join((*[]string)(&a.Fields[i].Values), x.Values, finding.MaxValues)
	}
	if it.info != nil {
		a.Message = ""
		if it.info.Message != "" {
			a.Message = f.Message
		}
		a.FalsePositives, a.NextSteps = it.info.FalsePositives, steps(it.info.Investigate, f)
	}
}

// union adds what another alert shows.
func (a *Alert) union(o *Alert) {
	from := o.values()
	for i, to := range a.values() {
		join((*[]string)(to), *from[i], finding.MaxValues)
	}
	join(&a.EventIDs, o.EventIDs, MaxEventIDs)
	for _, s := range o.Sources {
		if len(a.Sources) < maxSources && !slices.ContainsFunc(a.Sources, func(x Source) bool { return x.Address == s.Address }) {
			a.Sources = append(a.Sources, s)
		}
	}
	if a.Outcome != o.Outcome {
		a.Outcome = "mixed"
	}
}

// join adds values that a list lacks, up to a number.
func join(to *[]string, values []string, most int) {
	if len(*to) > 32 { // ids
		known := make(map[string]bool, len(*to))
		for _, v := range *to {
			known[v] = true
		}
		for _, v := range values {
			if len(*to) < most && !known[v] {
				known[v] = true
				*to = append(*to, v)
			}
		}
		return
	}
	for i, v := range values {
		if len(*to) > 32 {
			join(to, values[i:], most)
			return
		}
		if len(*to) < most && !slices.Contains(*to, v) {
			*to = append(*to, v)
		}
	}
}

// entityKind tells what a finding is about.
func entityKind(f *finding.Finding) string {
	for _, k := range []struct {
		kind   string
		values finding.Values
	}{{"actor", f.Actor}, {"session", f.Session}, {"address", f.SourceIP}, {"account", f.Account}, {"resource", f.Object}} {
		if slices.Contains(k.values, f.Entity) {
			return k.kind
		}
	}
	if slices.ContainsFunc(f.Session, func(s string) bool { return strings.HasPrefix(s, f.Entity+"@") }) {
		return "session"
	}
	return "other"
}
