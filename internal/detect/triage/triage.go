// Package triage is the step between what a rule found and what people see. The severity
// of a finding may be lowered by the class of its actors, and a finding may be quieted;
// both say why, and nothing is lost: the finding stays, with the severity of its rule.
package triage

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/identity"
)

// Reason says who quieted a finding.
type Reason string

// The reasons for quieting a finding.
const (
	NotQuiet    Reason = ""
	ByClass     Reason = "class"
	ByAllowList Reason = "allow-list"
)

// Verdict is what to show of a finding.
type Verdict struct {
	Severity rule.Severity  // to show; never above the rule's
	Classes  finding.Values // of the actors, in the order in which they came
	Quiet    Reason
	Why      string // in words, why it is quiet or its severity is lower or stays; "" = nothing to say
}

// Alert reports whether somebody has to look at the finding. Building blocks, which are
// informational, and quiet findings are only kept.
func (v *Verdict) Alert() bool {
	return v.Quiet == NotQuiet && v.Severity.Rank() > rule.Informational.Rank()
}

// Facts are what a finding is judged by.
type Facts struct {
	Rule    *rule.Info      // nil = the rule is gone
	Actors  []actor.Opinion // of each of the finding's actors, in their order
	Allowed string          // the entry of an allow-list that holds for the finding, in words; "" = none

	// Inside says that all accounts that the finding's calls let in are accounts of the
	// trail.
	Inside bool

	// Strange says why the finding's calls are unlike the actor's others: they come from
	// a network that is new for it. "" = they are not.
	Strange string
}

// Decide says what to show of a finding. It is a pure function.
//
// The class lowers the severity only as far as the rule's class key says, for all actors
// of the finding, and only where the class is trusted. It never does for root, for
// critical rules and for calls that are strange: a stolen key of a robot must not pass for
// the robot.
func Decide(f *finding.Finding, x Facts) Verdict {
	v := Verdict{Severity: f.Severity}
	for i := range x.Actors {
		if c := string(x.Actors[i].Class); !slices.Contains(v.Classes, c) {
			v.Classes = append(v.Classes, c)
		}
	}
	if x.Allowed != "" {
		v.Quiet, v.Why = ByAllowList, x.Allowed
		return v
	}
	if x.Rule == nil || len(x.Actors) == 0 {
		return v
	}
	v.byClass(f, &x)
	v.inside(f, &x)
	return v
}

// byClass lowers the severity as the rule says of classes.
func (v *Verdict) byClass(f *finding.Finding, x *Facts) {
	to, why := lowered(f, x)
	switch class := strings.Join(v.Classes, ", "); {
	case to == "":
	case why != "":
		v.Why = fmt.Sprintf("not lowered for class %s: %s", class, why)
	case to == rule.Off:
		v.Severity, v.Quiet, v.Why = rule.Informational, ByClass, "the rule is off for class "+class
	case to.Rank() < f.Severity.Rank():
		v.Severity, v.Why = to, fmt.Sprintf("%s for class %s, otherwise %s", to, class, f.Severity)
	}
}

// inside lowers the severity of what only lets in accounts of the trail.
func (v *Verdict) inside(f *finding.Finding, x *Facts) {
	to := x.Rule.Inside
	if to == "" || !x.Inside || v.Quiet != NotQuiet || to.Rank() >= v.Severity.Rank() {
		return
	}
	if why := x.barred(f); why != "" {
		v.Why = "not lowered for accounts of the trail: " + why
		return
	}
	v.Severity, v.Why = to, fmt.Sprintf("%s as it only lets in accounts of the trail, otherwise %s", to, f.Severity)
}

// lowered returns what the rule says of the classes of all actors, the worst; "" = one of
// them has no entry. why says why it does not hold.
func lowered(f *finding.Finding, x *Facts) (to rule.Severity, why string) {
	for i := range x.Actors {
		entry, ok := x.Rule.Class[string(x.Actors[i].Class)]
		if !ok {
			return "", ""
		}
		if i == 0 || entry.Rank() > to.Rank() { // that of Off is below all others
			to = entry
		}
	}
	if why = x.barred(f); why == "" && slices.ContainsFunc(x.Actors, func(o actor.Opinion) bool { return !o.Trusted }) {
		why = "nothing but what the credentials can do speaks for the class yet"
	}
	return to, why
}

// barred says why the severity must stay, whatever the rule says; "" = it need not.
func (x *Facts) barred(f *finding.Finding) string {
	switch {
	case f.Severity == rule.Critical:
		return "critical findings never are"
	case slices.Contains(f.ActorType, identity.TypeRoot) || slices.Contains(f.ActorType, identity.TypeAssumedRoot):
		return "root is involved"
	case f.More["actor"] > 0:
		return "more actors are involved than the finding lists"
	}
	return x.Strange
}

// Desk judges findings with what a process knows. The functions may be nil.
type Desk struct {
	Rule    func(id string) *rule.Info                                      // nil = there is no such rule
	Actor   func(name, kind string) actor.Opinion                           // kind as in identity.Who
	Allowed func(f *finding.Finding) string                                 // see Facts
	Strange func(name, address string, at time.Time) (why string, new bool) // whether an actor's network is new
	Own     func(account string) bool                                       // whether it is an account of the trail
	Unusual func(q actor.Question) (list []string, ok bool)                 // for alerts: see actor.Book
}

// Triage judges a finding.
func (d *Desk) Triage(f *finding.Finding) Verdict {
	var x Facts
	if d.Rule != nil {
		x.Rule = d.Rule(f.RuleID)
	}
	if d.Allowed != nil {
		x.Allowed = d.Allowed(f)
	}
	if d.Actor != nil {
		agent := len(f.SourceIP) == 1 && f.SourceIP[0] == identity.MCPServer && f.More["source_ip"] == 0
		for i, name := range f.Actor {
			kind := ""
			if len(f.ActorType) == len(f.Actor) || i == 0 && len(f.ActorType) > 0 {
				kind = f.ActorType[i]
			}
			o := d.Actor(name, kind)
			if agent { // AWS writes this address; callers cannot
				o = actor.Opinion{Class: actor.Agent, Confidence: 1, Trusted: true, Reasons: []string{"The calls came through the AWS MCP server."}}
			}
			x.Actors = append(x.Actors, o)
		}
	}
	if d.Strange != nil && x.Rule != nil && (len(x.Rule.Class) > 0 || x.Rule.Inside != "") {
		x.Strange = d.strange(f)
	}
	x.Inside = d.Own != nil && x.Rule != nil && x.Rule.Inside != "" && d.inside(f)
	return Decide(f, x)
}

// inside reports whether all that the finding's calls let in are accounts of the trail.
func (d *Desk) inside(f *finding.Finding) bool {
	for _, x := range f.Fields {
		if x.Name == rule.SharedWith {
			return len(x.Values) > 0 && f.More[rule.SharedWith] == 0 && !slices.ContainsFunc(x.Values, func(id string) bool { return !d.Own(id) })
		}
	}
	return false
}

func (d *Desk) strange(f *finding.Finding) string {
	for _, name := range f.Actor {
		for _, address := range f.SourceIP {
			if why, strange := d.Strange(name, address, f.First); strange {
				return why
			}
		}
	}
	if f.More["source_ip"] > 0 {
		return "the calls came from more addresses than the finding lists"
	}
	return ""
}

// Apply judges a finding and sets what it shows: Severity becomes the severity to show.
// A finding that was judged before is judged anew.
func (d *Desk) Apply(f *finding.Finding) Verdict {
	if f.RuleSeverity != "" {
		f.Severity = f.RuleSeverity
	}
	v := d.Triage(f)
	f.RuleSeverity, f.Severity, f.ActorClass = f.Severity, v.Severity, v.Classes
	f.Quiet, f.Triage = string(v.Quiet), v.Why
	return v
}
