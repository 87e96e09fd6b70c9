package output

import (
	"testing"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/send"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/finding"
)

// TestRoutes: all conditions of a route hold together, and one route is enough.
func TestRoutes(t *testing.T) {
	m := message.Message{Change: alert.Raised, Alert: &alert.Alert{
		RuleID: "11aa", Rule: "aws/root-login", Title: "Root signed in", Severity: "high", Account: finding.Values{"111122223333", "444455556666"}, ActorClass: finding.Values{"person"},
	}}
	slack, hook := &send.Output{Output: config.Output{Name: "x", Type: "slack"}}, &send.Output{Output: config.Output{Name: "x", Type: "webhook"}}
	x := []string{"x"}
	for name, c := range map[string]struct {
		routes []config.Route
		out    *send.Output
		change alert.Change
		want   bool
	}{
		"no routes":          {nil, slack, alert.Raised, true},
		"people, closed":     {nil, slack, alert.Ended, false},
		"programs, closed":   {nil, hook, alert.Ended, true},
		"asked for":          {[]config.Route{{Outputs: x, Changes: []string{"closed"}}}, slack, alert.Ended, true},
		"not asked for":      {[]config.Route{{Outputs: x, Changes: []string{"closed"}}}, slack, alert.Raised, false},
		"other output":       {[]config.Route{{Outputs: []string{"y"}}}, slack, alert.Raised, false},
		"severity":           {[]config.Route{{Outputs: x, Severity: "high"}}, slack, alert.Raised, true},
		"too low":            {[]config.Route{{Outputs: x, Severity: "critical"}}, slack, alert.Raised, false},
		"rule by id":         {[]config.Route{{Outputs: x, Rules: []string{"11AA"}}}, slack, alert.Raised, true},
		"rule with a slash":  {[]config.Route{{Outputs: x, Rules: []string{"*root*"}}}, slack, alert.Raised, true},
		"rule by title":      {[]config.Route{{Outputs: x, Rules: []string{"nothing", "root signed*"}}}, slack, alert.Raised, true},
		"other rule":         {[]config.Route{{Outputs: x, Rules: []string{"root"}}}, slack, alert.Raised, false},
		"one of accounts":    {[]config.Route{{Outputs: x, Accounts: []string{"4444*"}}}, slack, alert.Raised, true},
		"other account":      {[]config.Route{{Outputs: x, Accounts: []string{"9*"}}}, slack, alert.Raised, false},
		"class":              {[]config.Route{{Outputs: x, Classes: []string{"person"}}}, slack, alert.Raised, true},
		"other class":        {[]config.Route{{Outputs: x, Classes: []string{"scanner"}}}, slack, alert.Raised, false},
		"one of two":         {[]config.Route{{Outputs: x, Severity: "critical"}, {Outputs: x, Severity: "low"}}, slack, alert.Raised, true},
		"all of one":         {[]config.Route{{Outputs: x, Severity: "low", Classes: []string{"agent"}}}, slack, alert.Raised, false},
		"worse, by default":  {[]config.Route{{Outputs: x}}, slack, alert.Worsened, true},
		"again, by default":  {[]config.Route{{Outputs: x}}, slack, alert.Reopened, true},
		"closed, by default": {[]config.Route{{Outputs: x}}, slack, alert.Ended, false},
	} {
		m.Change = c.change
		if got := wanted(c.routes, c.out, &m); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestQuietUntil: quiet hours end on the clock of their zone, also when that changes.
func TestQuietUntil(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	night := quiet{config.Quiet{From: "22:00", To: "07:00", TimeZone: "Europe/Berlin"}, berlin}
	weekend := quiet{config.Quiet{From: "22:00", To: "07:00", Days: []string{"fri", "sat"}}, berlin}
	noon := quiet{config.Quiet{From: "12:00", To: "13:00"}, time.UTC}
	for _, c := range []struct {
		q        *quiet
		at, want string // "" = not quiet
	}{
		{&night, "2026-11-28T20:59:00Z", ""},
		{&night, "2026-11-28T21:00:00Z", "2026-11-29T06:00:00Z"},
		{&night, "2026-11-29T05:59:59Z", "2026-11-29T06:00:00Z"},
		{&night, "2026-11-29T06:00:00Z", ""},
		{&night, "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z"},   // summer time begins
		{&night, "2026-10-24T22:00:00Z", "2026-10-25T06:00:00Z"},   // and ends
		{&weekend, "2026-11-28T01:00:00Z", "2026-11-28T06:00:00Z"}, // Saturday, begun on Friday
		{&weekend, "2026-11-30T01:00:00Z", ""},                     // Monday, begun on Sunday
		{&noon, "2026-11-28T12:30:00Z", "2026-11-28T13:00:00Z"},
		{&noon, "2026-11-28T13:00:00Z", ""},
		{&quiet{}, "2026-11-28T13:00:00Z", ""},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		got := c.q.until(at)
		if text := got.UTC().Format(time.RFC3339); got.IsZero() != (c.want == "") || c.want != "" && text != c.want {
			t.Errorf("%s to %s, %s: %s, want %q", c.q.From, c.q.To, c.at, text, c.want)
		}
	}
}
