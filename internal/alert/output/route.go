package output

import (
	"path"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/send"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/rule"
)

// goal says which outputs hear of a message, and from which a maintenance window keeps it.
func goal(c *config.Config, outputs []*send.Output, m *message.Message) (to, held []string) {
	for _, o := range outputs {
		if !wanted(c.Routes, o, m) {
			continue
		}
		if slices.ContainsFunc(c.Maintenance, func(w config.Maintenance) bool { return covers(&w, o.Name, m) }) {
			held = append(held, o.Name)
			continue
		}
		to = append(to, o.Name)
	}
	return to, held
}

// told are the changes that people hear of when a route names none.
var told = []string{string(alert.Raised), string(alert.Worsened), string(alert.Reopened)}

// wanted reports whether a route leads a message to an output. Without routes, all do.
func wanted(routes []config.Route, o *send.Output, m *message.Message) bool {
	if len(routes) == 0 {
		routes = []config.Route{{Outputs: []string{o.Name}}}
	}
	return slices.ContainsFunc(routes, func(r config.Route) bool {
		return slices.Contains(r.Outputs, o.Name) && fits(&r, o, m)
	})
}

func fits(r *config.Route, o *send.Output, m *message.Message) bool {
	a := m.Alert
	if a == nil {
		return false
	}
	changes := r.Changes
	if len(changes) == 0 {
		if changes = told; o.Machine() {
			changes = append(slices.Clip(told), string(alert.Ended))
		}
	}
	return slices.Contains(changes, string(m.Change)) &&
		(r.Severity == "" || a.Severity.Rank() >= rule.Severity(r.Severity).Rank()) &&
		like(r.Rules, a.RuleID, a.Rule, a.Title) && like(r.Accounts, a.Account...) && like(r.Classes, a.ActorClass...)
}

// covers reports whether a maintenance window keeps a message from an output.
func covers(w *config.Maintenance, output string, m *message.Message) bool {
	return !m.Time.Before(w.From) && m.Time.Before(w.Until) && (len(w.Outputs) == 0 || slices.Contains(w.Outputs, output)) &&
		like(w.Rules, m.Alert.RuleID, m.Alert.Rule, m.Alert.Title) && like(w.Accounts, m.Alert.Account...)
}

// like reports whether one of the values fits one of the patterns; no patterns fit all.
// * stands for any text, slashes included.
func like(patterns []string, values ...string) bool {
	if len(patterns) == 0 {
		return true
	}
	flat := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "/", "\x00")) }
	for _, p := range patterns {
		for _, v := range values {
			if ok, err := path.Match(flat(p), flat(v)); ok && err == nil {
				return true
			}
		}
	}
	return false
}

// quiet are the hours in which an output waits.
type quiet struct {
	config.Quiet
	zone *time.Location
}

// until returns when the quiet hours end that a time falls into, zero if it falls into
// none.
func (q *quiet) until(at time.Time) time.Time {
	if q.From == "" {
		return time.Time{}
	}
	from, _ := time.Parse("15:04", q.From)
	to, _ := time.Parse("15:04", q.To)
	at = at.In(q.zone)
	for back := range 2 {
		y, m, d := at.AddDate(0, 0, -back).Date()
		begin := time.Date(y, m, d, from.Hour(), from.Minute(), 0, 0, q.zone)
		if !to.After(from) {
			d++
		}
		end := time.Date(y, m, d, to.Hour(), to.Minute(), 0, 0, q.zone)
		day := strings.ToLower(begin.Weekday().String()[:3])
		if (len(q.Days) == 0 || slices.Contains(q.Days, day)) && !at.Before(begin) && at.Before(end) {
			return end
		}
	}
	return time.Time{}
}

// breaks reports whether an alert is bad enough to be sent in quiet hours.
func (q *quiet) breaks(m *message.Message) bool {
	return q.Except != "" && m.Alert != nil && m.Alert.Severity.Rank() >= rule.Severity(q.Except).Rank()
}
