package triage_test

import (
	"strings"
	"testing"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/identity"

	"github.com/google/go-cmp/cmp"
)

func TestDecide(t *testing.T) {
	robot := actor.Opinion{Class: actor.Automation, Confidence: 0.9, Trusted: true}
	scanner := actor.Opinion{Class: actor.Scanner, Confidence: 0.9, Trusted: true}
	alleged := actor.Opinion{Class: actor.Automation, Confidence: 0.9}
	person := actor.Opinion{Class: actor.Person, Confidence: 0.9, Trusted: true}
	class := map[string]rule.Severity{"automation": rule.Low, "scanner": rule.Off}
	for _, c := range []struct {
		name    string
		finding finding.Finding
		facts   triage.Facts
		want    string // severity, quiet, and a part of why
		alert   bool
	}{
		{"no actor", finding.Finding{Severity: rule.High}, triage.Facts{}, "high//", true},
		{"no class key", finding.Finding{Severity: rule.High}, triage.Facts{Actors: []actor.Opinion{robot}, Rule: &rule.Info{}}, "high//", true},
		{"lowered", finding.Finding{Severity: rule.High}, triage.Facts{Actors: []actor.Opinion{robot}}, "low//low for class automation, otherwise high", true},
		{"off", finding.Finding{Severity: rule.High}, triage.Facts{Actors: []actor.Opinion{scanner}}, "informational/class/off for class scanner", false},
		{"the worst of two", finding.Finding{Severity: rule.High}, triage.Facts{Actors: []actor.Opinion{scanner, robot}}, "low//low for class scanner, automation", true},
		{"one without an entry", finding.Finding{Severity: rule.High}, triage.Facts{Actors: []actor.Opinion{robot, person}}, "high//", true},
		{"never raised", finding.Finding{Severity: rule.Informational}, triage.Facts{Actors: []actor.Opinion{robot}}, "informational//", false},
		{"critical", finding.Finding{Severity: rule.Critical}, triage.Facts{Actors: []actor.Opinion{scanner}}, "critical//critical findings never are", true},
		{"root", finding.Finding{Severity: rule.High, ActorType: finding.Values{identity.TypeRoot}}, triage.Facts{Actors: []actor.Opinion{robot}}, "high//root", true},
		{"not trusted", finding.Finding{Severity: rule.High}, triage.Facts{Actors: []actor.Opinion{alleged}}, "high//credentials", true},
		{"strange", finding.Finding{Severity: rule.High}, triage.Facts{Actors: []actor.Opinion{robot}, Strange: "AS64500 is new"}, "high//AS64500 is new", true},
		{"unlisted actors", finding.Finding{Severity: rule.High, More: map[string]int{"actor": 1}}, triage.Facts{Actors: []actor.Opinion{robot}}, "high//more actors", true},
		{"allowed", finding.Finding{Severity: rule.Critical}, triage.Facts{Actors: []actor.Opinion{person}, Allowed: "office"}, "critical/allow-list/office", false},
	} {
		if c.facts.Rule == nil && c.name != "no actor" {
			c.facts.Rule = &rule.Info{Class: class}
		}
		v := triage.Decide(&c.finding, c.facts)
		severity, rest, _ := strings.Cut(c.want, "/")
		quiet, why, _ := strings.Cut(rest, "/")
		if string(v.Severity) != severity || string(v.Quiet) != quiet || !strings.Contains(v.Why, why) || why == "" && v.Why != "" || v.Alert() != c.alert {
			t.Errorf("%s: %+v, alert %v", c.name, v, v.Alert())
		}
	}
}

// TestApply: judging anew starts from the rule's severity.
func TestApply(t *testing.T) {
	opinion := actor.Opinion{Class: actor.Automation, Trusted: true}
	d := triage.Desk{
		Rule: func(string) *rule.Info {
			return &rule.Info{Class: map[string]rule.Severity{"automation": rule.Low, "agent": rule.Medium}}
		},
		Actor: func(string, string) actor.Opinion { return opinion },
	}
	f := &finding.Finding{Severity: rule.High, Actor: finding.Values{"robot"}}
	shown := func() string {
		return string(f.Severity) + " of " + string(f.RuleSeverity) + " " + strings.Join(f.ActorClass, " ")
	}
	d.Apply(f)
	got := []string{shown()}
	opinion.Class = actor.Person
	d.Apply(f)
	got = append(got, shown())
	f.SourceIP = finding.Values{identity.MCPServer}
	d.Apply(f)
	got = append(got, shown())
	d.Strange = func(_, _ string, _ time.Time) (string, bool) { return "its network is new", true }
	d.Apply(f)
	got = append(got, shown()+": "+f.Triage)
	want := []string{"low of high automation", "high of high person", "medium of high agent", "high of high agent: not lowered for class agent: its network is new"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestStolenKey: a robot is trusted where it works, but not where its key was never used.
func TestStolenKey(t *testing.T) {
	const robot, home, away = "repo:acme/shop:ref:refs/heads/main", "192.0.2.10", "203.0.113.9"
	begin := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	book, rec := actor.NewBook(nil, nil), &actor.Recorder{}
	call := func(address string, at time.Time) {
		rec.Add(&identity.Facts{Caller: identity.Caller{Type: "WebIdentityUser", UserName: robot, PrincipalID: "p:" + robot, Provider: "token.actions.githubusercontent.com", Time: at.UnixNano()}},
			&actor.Call{Source: "ec2.amazonaws.com", Name: "CreateTags", Address: address})
	}
	for i := range 30 {
		call(home, begin.Add(time.Duration(i)*time.Hour))
	}
	theft := begin.Add(40 * time.Hour)
	call(away, theft)
	book.Take(rec)
	if o := book.Opinion(robot, ""); o.Class != actor.Automation || !o.Trusted {
		t.Fatalf("the robot is %+v", o)
	}
	d := triage.Desk{Actor: book.Opinion, Strange: book.Strange, Rule: func(string) *rule.Info {
		return &rule.Info{Class: map[string]rule.Severity{"automation": rule.Low}}
	}}
	for address, want := range map[string]rule.Severity{home: rule.Low, away: rule.High} {
		f := &finding.Finding{Severity: rule.High, First: theft, Actor: finding.Values{robot}, ActorType: finding.Values{identity.TypeOIDC}, SourceIP: finding.Values{address}}
		if v := d.Apply(f); v.Severity != want {
			t.Errorf("from %s: %+v", address, v)
		}
	}
}

// TestInside: what lets in accounts of the trail is less severe, unless the call is
// strange or lets in somebody else, too.
func TestInside(t *testing.T) {
	const own, foreign = "111122223333", "999988887777"
	d := triage.Desk{
		Own:   func(account string) bool { return account == own },
		Actor: func(string, string) actor.Opinion { return actor.Opinion{Class: actor.Unknown} },
		Rule: func(string) *rule.Info {
			return &rule.Info{Inside: rule.Informational, Fields: []string{"shared_with"}}
		},
	}
	for _, c := range []struct {
		with    finding.Values
		more    int
		strange bool
		want    string
	}{
		{finding.Values{own}, 0, false, "informational as it only lets in accounts of the trail, otherwise medium"},
		{finding.Values{own, foreign}, 0, false, ""},
		{finding.Values{own, "*"}, 0, false, ""},
		{finding.Values{own}, 1, false, ""},
		{nil, 0, false, ""},
		{finding.Values{own}, 0, true, "not lowered for accounts of the trail: its network is new"},
	} {
		d.Strange = func(_, _ string, _ time.Time) (string, bool) { return "its network is new", c.strange }
		f := &finding.Finding{Severity: rule.Medium, Actor: finding.Values{"bob"}, SourceIP: finding.Values{"192.0.2.1"},
			Fields: []finding.Field{{Name: "shared_with", Values: c.with}}, More: map[string]int{"shared_with": c.more}}
		v := d.Apply(f)
		if lowered := strings.HasPrefix(c.want, "info"); v.Why != c.want || (v.Severity == rule.Informational) != lowered {
			t.Errorf("%v, %d more, strange %v: %+v", c.with, c.more, c.strange, v)
		}
	}
}
