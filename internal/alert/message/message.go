// Package message holds what outputs send: alerts and results of searches, bounded and
// written so that their texts do nothing where they are shown.
package message

import (
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/finding"
)

// Message says that an alert changed, or what a search sends.
type Message struct {
	Key    string       `json:"id"` // the same whenever the message is sent again
	Time   time.Time    `json:"time"`
	Test   bool         `json:"test,omitempty"`
	Change alert.Change `json:"change,omitempty"`
	Alert  *alert.Alert `json:"alert,omitempty"`
	Result *Result      `json:"result,omitempty"`
}

// Result is what a search sends.
type Result struct {
	Title string              `json:"title"`
	Text  string              `json:"text,omitempty"`
	Names []string            `json:"fields,omitempty"` // in the order of the search
	Rows  []map[string]string `json:"rows,omitempty"`
	Total int                 `json:"total"` // rows, with those that are not in Rows
}

// Bounds of the alert in a message. Short enough to be sent, long enough to be read.
const (
	maxText   = 4 << 10 // bytes of one text
	maxList   = 20      // values of one list
	maxEvents = 100     // event ids
)

// Bounded returns a copy of an alert that is small enough for an outbox.
func Bounded(a *alert.Alert) *alert.Alert {
	b := *a
	for _, s := range []*string{&b.Title, &b.Rule, &b.RuleID, &b.Entity, &b.Summary, &b.Assignee, &b.Outcome, &b.Message, &b.Triage, &b.RecordsNote} {
		*s = Clip(*s, maxText)
	}
	for _, v := range []*finding.Values{&b.Actor, &b.ActorType, &b.ActorClass, &b.Chain, &b.Session, &b.Account, &b.Region, &b.EventName, &b.Object, &b.UserAgent} {
		*v = texts(*v, maxList)
	}
	for _, v := range []*[]string{&b.Mitre, &b.Unusual, &b.Exposure, &b.Notes, &b.NextSteps, &b.FalsePositives, &b.Findings} {
		*v = texts(*v, maxList)
	}
	b.EventIDs = texts(b.EventIDs, maxEvents)
	b.Sources = head(b.Sources, maxList)
	for i := range b.Sources {
		s := &b.Sources[i]
		s.Address, s.Network, s.Lists = Clip(s.Address, maxText), Clip(s.Network, maxText), texts(s.Lists, maxList)
	}
	b.Around = head(b.Around, maxList)
	for i := range b.Around {
		r := &b.Around[i]
		r.EventSource, r.EventName = Clip(r.EventSource, maxText), Clip(r.EventName, maxText)
	}
	b.Fields = head(b.Fields, maxList)
	for i := range b.Fields {
		b.Fields[i].Name, b.Fields[i].Values = Clip(b.Fields[i].Name, maxText), texts(b.Fields[i].Values, maxList)
	}
	return &b
}

// head returns a copy of a list's first values.
func head[S ~[]E, E any](list S, most int) S {
	if list == nil {
		return nil
	}
	return append(make(S, 0, min(len(list), most)), list[:min(len(list), most)]...)
}

func texts[S ~[]string](list S, most int) S {
	list = head(list, most)
	for i, s := range list {
		list[i] = Clip(s, maxText)
	}
	return list
}

// Clip shortens a text to a number of bytes, at a rune, and says so with an ellipsis.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := max(0, most-len("…"))
	for end > 0 && s[end]&0xc0 == 0x80 {
		end--
	}
	return s[:end] + "…"
}
