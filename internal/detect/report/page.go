// Package report writes findings as one HTML page that needs nothing else: no
// network, no scripts.
package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/diag"
)

// Bounds of a page, which a browser has to lay out. What exceeds them is counted.
const (
	MaxFindings = 1000   // the worst
	MaxEvents   = 20_000 // in all findings together
	MaxShare    = 50     // in one finding
	maxText     = 1000   // runes of one text
)

// Report is what a page tells. Texts of findings may be hostile.
type Report struct {
	Findings []*finding.Finding
	Dropped  int    // further findings, that are not in Findings
	Triaged  string // how many findings were lowered or quieted, in words
	Rules    int    // that ran
	Files    int64
	Events   int64     // that were read
	First    time.Time // of these events; zero = there was none
	Last     time.Time
	Problems []string       // what could not be read or run
	Zone     *time.Location // nil = UTC
}

//go:embed page.html
var source string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"clean":  clean,
	"values": values,
	"number": number,
}).Parse(source))

// HTML writes the page.
func HTML(w io.Writer, r *Report) error {
	v := &view{Report: r, zone: cmp.Or(r.Zone, time.UTC)}
	v.List = slices.Clone(r.Findings)
	slices.SortStableFunc(v.List, func(a, b *finding.Finding) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), finding.Compare(a, b))
	})
	v.Chart = newChart(v.List, v.zone)
	for _, s := range Summaries {
		v.Tables = append(v.Tables, s.Of(v.List))
	}
	v.Hidden = max(0, len(v.List)-MaxFindings) + r.Dropped
	v.List = v.List[:min(len(v.List), MaxFindings)]
	return page.Execute(w, v)
}

// view is what the template reads.
type view struct {
	*Report
	zone   *time.Location
	List   []*finding.Finding // that are shown, the worst first
	Hidden int                // findings that are not
	Chart  *chart
	Tables []Table
	events int // shown so far
}

// Severities counts the findings by severity, the worst first.
func (v *view) Severities() (out []struct {
	Severity rule.Severity
	N        int
}) {
	for _, s := range slices.Backward(rule.Severities) {
		n := 0
		for _, f := range v.Findings {
			if f.Severity == s {
				n++
			}
		}
		out = append(out, struct {
			Severity rule.Severity
			N        int
		}{s, n})
	}
	return out
}

// Moment formats a time for readers.
func (v *view) Moment(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04:05 -07:00") }

// Clock formats the time of a row, whose zone the head names.
func (v *view) Clock(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04:05") }

// Stamp formats a time for machines.
func (v *view) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Events returns the events of a finding that still have room.
func (v *view) Events(f *finding.Finding) []finding.Event {
	list := f.Events[:max(0, min(len(f.Events), MaxShare, MaxEvents-v.events))]
	v.events += len(list)
	return list
}

// More returns how many events of a finding are not among those shown.
func (v *view) More(f *finding.Finding, shown []finding.Event) int64 {
	return f.Count - int64(len(shown))
}

// Detail is a line on a finding.
type Detail struct{ Name, Text string }

// Details tells what a finding has beside its head and its events.
func (v *view) Details(f *finding.Finding) (out []Detail) {
	add := func(name, text string) {
		if text != "" {
			out = append(out, Detail{name, clean(text)})
		}
	}
	for _, x := range []struct {
		name, key string
		values    finding.Values
	}{
		{"Actor", "actor", f.Actor}, {"Actor type", "actor_type", f.ActorType}, {"Chain", "actor_chain", f.Chain}, {"Session", "session_id", f.Session},
		{"Account", "account", f.Account}, {"Region", "region", f.Region}, {"Source address", "source_ip", f.SourceIP},
		{"Event name", "event_name", f.EventName}, {"Object", "object", f.Object}, {"User agent", "user_agent", f.UserAgent},
	} {
		add(x.name, values(x.values, f.More[x.key]))
	}
	for _, x := range f.Fields {
		add(x.Name, values(x.Values, f.More[x.Name]))
	}
	if !slices.Contains(f.Actor, f.Entity) {
		add("Entity", f.Entity)
	}
	add("Outcome", f.Outcome)
	add("Rule", f.RuleID)
	add("Techniques", strings.Join(f.Mitre, ", "))
	add("First event", v.Moment(f.First))
	add("Last event", v.Moment(f.Last))
	return out
}

// clean makes hidden characters visible and shortens a text. The template escapes it.
func clean(s string) string {
	n := 0
	for i := range s {
		if n++; n > maxText {
			return diag.Printable(s[:i]) + "…"
		}
	}
	return diag.Printable(s)
}

// values joins values and counts those that are not there.
func values(v finding.Values, more int) string {
	text := strings.Join(v, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %s more", number(int64(more)))
	}
	return text
}

// number groups the digits of a count.
func number(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
