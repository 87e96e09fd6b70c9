package message

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/rule"
)

// Fact is a named text of a message, as the trail has it.
type Fact struct{ Name, Value string }

// Heading returns the line that says what a message is about.
func (m *Message) Heading() string {
	text := ""
	switch {
	case m.Alert != nil:
		a := m.Alert
		text = fmt.Sprintf("%s: %s", strings.ToUpper(string(a.Severity)), a.Title)
		if a.Entity != "" {
			text += " (" + Clip(a.Entity, 200) + ")"
		}
		switch m.Change {
		case alert.Worsened:
			text = "Worse, now " + text
		case alert.Reopened:
			text = "Again, " + text
		case alert.Ended:
			text = "Closed, " + text
		}
	case m.Result != nil:
		text = m.Result.Title
	}
	if m.Test {
		text = "TEST " + text
	}
	return text
}

// Facts returns what people want to know first of a message.
func (m *Message) Facts() (facts []Fact) {
	add := func(name string, values ...string) {
		values = slices.DeleteFunc(values, func(s string) bool { return s == "" })
		if len(values) > 0 {
			facts = append(facts, Fact{name, strings.Join(values, ", ")})
		}
	}
	each := func(name string, values []string) {
		for _, v := range values {
			add(name, v)
		}
	}
	if r := m.Result; r != nil {
		add("Text", r.Text)
		for i, row := range r.Rows {
			var cells []string
			for _, name := range r.Names {
				if v, ok := row[name]; ok {
					cells = append(cells, name+"="+v)
				}
			}
			add(fmt.Sprintf("Row %d", i+1), cells...)
		}
		if more := r.Total - len(r.Rows); more > 0 {
			add("More", fmt.Sprintf("%d more rows", more))
		}
		return facts
	}
	a := m.Alert
	if a == nil {
		return nil
	}
	add("What", a.Summary)
	add("Rule says", a.Message)
	add("Triage", a.Triage)
	add("Who", a.Actor...)
	add("Chain", a.Chain...)
	add("Class", a.ActorClass...)
	add("Account", a.Account...)
	add("Region", a.Region...)
	add("Calls", a.EventName...)
	add("Objects", a.Object...)
	for _, s := range a.Sources {
		add("From", source(&s))
	}
	if !a.First.IsZero() {
		when := a.First.UTC().Format(time.DateTime)
		if !a.Last.Equal(a.First) {
			when += " to " + a.Last.UTC().Format(time.DateTime)
		}
		add("When", fmt.Sprintf("%s UTC, %d events, %s", when, a.Count, a.Outcome))
	}
	add("ATT&CK", a.Mitre...)
	if a.Risk > 0 {
		add("Risk", strconv.FormatFloat(a.Risk, 'f', 0, 64))
	}
	each("Unusual", a.Unusual)
	each("Opened", a.Exposure)
	each("Note", a.Notes)
	each("Next", a.NextSteps)
	add("Rule", a.Rule)
	add("Alert", fmt.Sprintf("#%d, %s", a.Number, a.ID))
	return facts
}

func source(s *alert.Source) string {
	words := []string{s.Address}
	for _, w := range []string{s.Country, s.Network, s.NetworkKind} {
		if w != "" {
			words = append(words, w)
		}
	}
	if s.FirstSeen {
		words = append(words, "never seen before")
	}
	for _, l := range s.Lists {
		words = append(words, "listed: "+l)
	}
	return strings.Join(words, ", ")
}

// Severity returns the worst severity of messages, informational when none has one.
func Severity(list []Message) rule.Severity {
	worst := rule.Informational
	for _, m := range list {
		if m.Alert != nil && m.Alert.Severity.Rank() > worst.Rank() {
			worst = m.Alert.Severity
		}
	}
	return worst
}

// Sample returns a message that is marked as a test.
func Sample(key string, now time.Time) Message {
	now = now.UTC().Truncate(time.Second)
	return Message{Key: key, Time: now, Test: true, Change: alert.Raised, Alert: &alert.Alert{
		ID: key, Created: now, Updated: now, Status: alert.New, Severity: rule.Informational,
		RuleID: "bluetrail-output-test", Rule: "bluetrail-output-test", Title: "Test of an output", EntityKind: "other", Entity: "bluetrail",
		Summary: "Somebody ran bluetrail output test. Nothing happened in AWS.", Mitre: []string{}, Account: []string{"000000000000"}, Region: []string{"us-east-1"},
		Outcome: "success", Count: 1, First: now, Last: now, Sources: []alert.Source{}, Findings: []string{}, EventIDs: []string{}, Fields: nil,
	}}
}
