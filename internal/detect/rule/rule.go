// Package rule describes a detection rule, whatever language it is written in.
package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/actor"
)

// Kind is how a rule looks at the trail.
type Kind string

// The kinds of rules.
const (
	Event       Kind = "event"       // Sigma: one event at a time
	Correlation Kind = "correlation" // Sigma: counts, values and sequences of matches
	FirstSeen   Kind = "first_seen"  // ours: a combination of values that was never seen before
	Absent      Kind = "absent"      // ours: an event without the one that should precede it
	SPL         Kind = "spl"         // a search
)

// Severity is how bad it is when a rule fires, in Sigma's words.
type Severity string

// Severities, the least first.
const (
	Informational Severity = "informational"
	Low           Severity = "low"
	Medium        Severity = "medium"
	High          Severity = "high"
	Critical      Severity = "critical"
)

// Severities are all severities, the least first.
var Severities = []Severity{Informational, Low, Medium, High, Critical}

// Off stands in Info.Class for no finding at all. It is no severity: its rank is -1.
const Off Severity = "off"

// Rank is the place of a severity in Severities, -1 for an unknown one.
func (s Severity) Rank() int { return slices.Index(Severities, s) }

// DefaultWindow is how long the events of one finding lie apart at most, for rules
// that do not say.
const DefaultWindow = time.Hour

// Info is what a finding, a list or a page says about a rule.
type Info struct {
	ID          string // unique in a ruleset; made from the file and title where the rule has none
	Name        string // short; may be empty
	Title       string
	Kind        Kind
	Severity    Severity
	Status      string
	Description string
	Author      string
	Tags        []string // attack.t1078.004, attack.persistence, …
	References  []string

	// Class says how severe the rule is for classes of actors, see actor.Class: a lower
	// severity, or Off.
	Class map[string]Severity

	// Inside is how severe the rule is where the accounts that it shows as shared_with
	// are all accounts of the trail; "" = as elsewhere.
	Inside Severity

	FalsePositives []string
	Misses         string   // what the rule does not see
	Investigate    []string // SPL searches that help to decide
	Data           []string // what the rule needs: management, data, network-activity
	Fields         []string // record fields to show with a finding

	// Entity lists the fields that say whom a finding is about; several make a
	// pair. Record fields and derived fields may be mixed. nil = the actor.
	Entity  []string
	Window  time.Duration // of a finding; 0 = DefaultWindow
	Message string        // template with %field%; "" = a sentence made from the events

	File string
	Line int // counted from 1
}

// SetClass takes an entry of the class key.
func (i *Info) SetClass(class, severity string) error {
	class, severity = strings.ToLower(strings.TrimSpace(class)), strings.ToLower(strings.TrimSpace(severity))
	if !actor.Class(class).Known() {
		return fmt.Errorf("class: there is no class %q; classes are %s", class, joined(actor.Classes))
	}
	to := Severity(severity)
	if to == "false" { // off, as YAML 1.1 reads it
		to = Off
	}
	if to != Off && to.Rank() < 0 {
		return fmt.Errorf("class: %q is not known for %s; use %s or off", severity, class, joined(Severities))
	}
	if i.Class == nil {
		i.Class = map[string]Severity{}
	}
	i.Class[class] = to
	return nil
}

// SetInside takes the value of the inside key.
func (i *Info) SetInside(severity string) error {
	to := Severity(strings.ToLower(strings.TrimSpace(severity)))
	if to.Rank() < 0 {
		return fmt.Errorf("inside: %q is not known; use %s", severity, joined(Severities))
	}
	if !slices.Contains(i.Fields, SharedWith) {
		return fmt.Errorf("inside: the rule must list %s in its fields", SharedWith)
	}
	i.Inside = to
	return nil
}

// SharedWith is the field that the inside key looks at.
const SharedWith = "shared_with"

// ByClass returns the entries of the class key in words, sorted.
func (i *Info) ByClass() (list []string) {
	for _, class := range slices.Sorted(maps.Keys(i.Class)) {
		list = append(list, class+": "+string(i.Class[class]))
	}
	return list
}

func joined[T ~string](list []T) string {
	var b strings.Builder
	for n, s := range list {
		if n > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// Mitre returns the ATT&CK techniques of the tags, as in T1078.004.
func (i *Info) Mitre() []string {
	var out []string
	for _, tag := range i.Tags {
		t := strings.ToUpper(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(tag)), "attack."))
		if isTechnique(t) && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// isTechnique reports whether s has the form T1234 or T1234.567.
func isTechnique(s string) bool {
	main, sub, dotted := strings.Cut(s, ".")
	return len(main) == 5 && main[0] == 'T' && digits(main[1:]) && (!dotted || len(sub) == 3 && digits(sub))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// tactics are the names that Sigma tags use, old and new, by ATT&CK's own.
var tactics = map[string]string{
	"reconnaissance": "reconnaissance", "resource-development": "resource-development", "initial-access": "initial-access",
	"execution": "execution", "persistence": "persistence", "privilege-escalation": "privilege-escalation",
	"defense-evasion": "defense-evasion", "stealth": "defense-evasion", "credential-access": "credential-access", "discovery": "discovery",
	"lateral-movement": "lateral-movement", "collection": "collection", "command-and-control": "command-and-control",
	"exfiltration": "exfiltration", "impact": "impact",
}

// Tactics returns the ATT&CK tactics of the tags, as in privilege-escalation.
func (i *Info) Tactics() []string {
	var out []string
	for _, tag := range i.Tags {
		t := strings.ReplaceAll(strings.TrimPrefix(strings.ToLower(strings.TrimSpace(tag)), "attack."), "_", "-")
		if name, ok := tactics[t]; ok && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}
