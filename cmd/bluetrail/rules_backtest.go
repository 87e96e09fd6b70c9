package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/backtest"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/result"
)

type rulesBacktestCmd struct {
	ID        string   `arg:"" name:"rule" help:"The id, name or title of a rule, or its file."`
	Rules     []string `help:"Folder or file of further rules and filters; repeatable." placeholder:"DIR"`
	NoShipped bool     `help:"Leave out the rules that come with bluetrail."`
	input
	Output string `short:"o" help:"Output format: table, json (one object, with all findings) or csv (all counts)." enum:"table,json,csv" default:"table"`
}

func (*rulesBacktestCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*rulesBacktestCmd) Help() string {
	return examples(
		"bluetrail rules backtest trail_stopped ./AWSLogs",
		"bluetrail rules backtest ./new-rule.yml --data ./data --earliest -30d",
		"bluetrail rules backtest 'User created' --rules ./rules -o json | jq .days",
	)
}

// ruleAt loads rules and finds the one that a text means: by id, name or title, or by
// its file if that holds one rule that raises findings.
func (a *app) ruleAt(ref string, dirs []string, shipped bool, knowledge []string, data string) (*ruleset.Ruleset, int, error) {
	path := a.path(ref)
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		rs, err := a.ruleset(dirs, shipped, knowledge, data)
		if err != nil {
			return nil, 0, err
		}
		i, err := findRule(rs, ref)
		return rs, i, err
	}
	rs, err := a.ruleset(a.withFile(ref, dirs), shipped, knowledge, data)
	if err != nil {
		return nil, 0, err
	}
	var at []int
	var names []string
	for i := range rs.Rules {
		if r := &rs.Rules[i]; sameFile(r.File, path) && !r.Silent {
			at = append(at, i)
			names = append(names, fmt.Sprintf("%q", r.Title))
		}
	}
	switch len(at) {
	case 1:
		return rs, at[0], nil
	case 0:
		for _, f := range rs.Faults {
			if sameFile(f.File, path) {
				return nil, 0, usage("cannot load %w", f)
			}
		}
		return nil, 0, usage("there is no rule for CloudTrail in %s", ref)
	}
	return nil, 0, usage("%s has several rules that raise findings: %s; name one of them, and give the file with --rules %s", ref, strings.Join(names, ", "), shellWord(ref))
}

// withFile adds a file to folders of rules, unless it is no file or lies in one of them.
func (a *app) withFile(ref string, dirs []string) []string {
	path := a.path(ref)
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return dirs
	}
	if slices.ContainsFunc(dirs, func(dir string) bool { return within(a.path(dir), path) }) {
		return dirs
	}
	return append(slices.Clone(dirs), ref)
}

func sameFile(a, b string) bool {
	x, err := filepath.Abs(a)
	y, errY := filepath.Abs(b)
	return err == nil && errY == nil && x == y
}

func (c *rulesBacktestCmd) Run(a *app) error {
	rs, at, err := a.ruleAt(c.ID, c.Rules, !c.NoShipped, c.Knowledge, c.home(a))
	if err != nil {
		return err
	}
	a.warnFaults(rs)
	r := &rs.Rules[at]
	if r.Off != "" {
		a.warn("the rule is off, and is run all the same: %s", r.Off)
	} else if r.Silent {
		a.note("the rule only serves correlations; these are the findings that it would raise by itself")
	}
	h, err := c.hunting(a, rs)
	if err != nil {
		return err
	}
	defer h.close()
	if h.Triage, err = a.triage(true); err != nil {
		return err
	}
	if len(c.Files) == 0 {
		if err := a.heard(h.Triage, c.Data); err != nil {
			return err
		}
	}
	zone := h.Search.Zone
	stop := h.meter(a)
	rep, err := backtest.Run(a.ctx, h.Options, at, zone)
	stop()
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	switch c.Output {
	case "json":
		err = backtestJSON(out, rep)
	case "csv":
		err = c.counts(a, out, rep, zone)
	default:
		err = c.tables(a, out, rep, zone)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	a.huntProblems(rep.Hunt, h.stats())
	a.note("%s from %s", count(int(rep.Findings), "finding"), a.huntRead(rep.Hunt, h.stats()))
	if len(rep.Hunt.Faults) > 0 {
		return fmt.Errorf("the rule did not run to its end")
	}
	return nil
}

// backtestJSON writes the report as an object in one line.
func backtestJSON(out *bufio.Writer, r *backtest.Report) error {
	body, err := json.Marshal(struct {
		RuleID     string             `json:"rule_id"`
		Title      string             `json:"title"`
		Findings   int64              `json:"finding_count"`
		Events     int64              `json:"event_count"`
		Read       int64              `json:"events_read"`
		From       *time.Time         `json:"from"`
		To         *time.Time         `json:"to"`
		First      *time.Time         `json:"first"`
		Last       *time.Time         `json:"last"`
		DayCount   int                `json:"day_count"`
		QuietDays  int                `json:"quiet_days"`
		Days       []backtest.Day     `json:"days"`
		By         []backtest.Table   `json:"by"`
		Beneath    []backtest.Beneath `json:"beneath"`
		List       []*finding.Finding `json:"findings"`
		NotInclude int                `json:"findings_left_out,omitempty"`
	}{
		r.Rule.ID, r.Rule.Title, r.Findings, r.Events, r.Hunt.Events, someTime(r.Hunt.First), someTime(r.Hunt.Last), someTime(r.First), someTime(r.Last), r.Span, r.Quiet(),
		append([]backtest.Day{}, r.Days...), append([]backtest.Table{}, r.Tables...), append([]backtest.Beneath{}, r.Beneath...),
		append([]*finding.Finding{}, r.Hunt.Findings...), r.Hunt.Dropped,
	})
	if err != nil {
		return err
	}
	return writeJSON(out, body)
}

func someTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// Bounds of the tables for people; the other formats have all rows.
const (
	backtestDays     = 62
	backtestRows     = 10
	backtestFindings = 20
)

var backtestColumns = []string{"by", "value", "findings", "events", "first", "last"}

// counts writes all counts as one table.
func (c *rulesBacktestCmd) counts(a *app, out *bufio.Writer, r *backtest.Report, zone *time.Location) error {
	at := func(t time.Time) string { return timeText(t, zone) }
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	rows := [][]string{{"total", r.Rule.ID, n(r.Findings), n(r.Events), at(r.First), at(r.Last)}}
	for _, d := range r.Days {
		rows = append(rows, []string{"day", d.Day, n(d.Findings), n(d.Events), "", ""})
	}
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			rows = append(rows, []string{t.Field, row.Value, n(row.Findings), n(row.Events), at(row.First), at(row.Last)})
		}
	}
	for _, b := range r.Beneath {
		rows = append(rows, []string{"beneath", b.ID, n(b.Findings), n(b.Matched), at(b.First), at(b.Last)})
	}
	return a.textRows(out, c.layout(a, zone), backtestColumns, rows)
}

func (c *rulesBacktestCmd) layout(a *app, zone *time.Location) result.Options {
	return result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: zone, Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
}

func timeText(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(zone).Format(time.RFC3339)
}

// tables writes the report for people.
func (c *rulesBacktestCmd) tables(a *app, out *bufio.Writer, r *backtest.Report, zone *time.Location) error {
	c.head(out, r, zone)
	o := c.layout(a, zone)
	section := func(columns []string, rows [][]string) error {
		if len(rows) == 0 {
			return nil
		}
		fmt.Fprintln(out)
		return a.textRows(out, o, columns, rows)
	}
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	var rows [][]string
	days := r.Days
	if len(days) > backtestDays {
		a.note("only the last %d of %d days with events are shown; -o csv has all", backtestDays, len(days))
		days = days[len(days)-backtestDays:]
	}
	columns := []string{"day", "findings", "events"}
	if slices.ContainsFunc(days, func(d backtest.Day) bool { return d.Matched > 0 }) { // not of searches over several events
		columns = append(columns, "matched")
	}
	for _, d := range days {
		rows = append(rows, []string{d.Day, n(d.Findings), n(d.Events), n(d.Matched)}[:len(columns)])
	}
	if err := section(columns, rows); err != nil {
		return err
	}
	for _, t := range r.Tables {
		rows = nil
		for i, row := range t.Rows {
			if i == backtestRows {
				rows = append(rows, []string{fmt.Sprintf("and %d more", len(t.Rows)-i)})
				break
			}
			value := row.Value
			if value == "" {
				value = "(none)"
			}
			rows = append(rows, []string{value, n(row.Findings), n(row.Events), timeText(row.First, zone), timeText(row.Last, zone)})
		}
		if err := section([]string{t.Field, "findings", "events", "first", "last"}, rows); err != nil {
			return err
		}
		if t.More > 0 {
			a.note("%s: values beyond the first 10,000 are not counted", t.Field)
		}
	}
	rows = nil
	for _, b := range r.Beneath {
		figure, what := b.Matched, "event"
		if b.Matched == 0 && b.Findings > 0 {
			figure, what = b.Findings, "finding"
		}
		rows = append(rows, []string{b.Title, string(b.Kind), count(int(figure), what), strconv.Itoa(b.Days), timeText(b.First, zone), timeText(b.Last, zone), b.Off})
	}
	if err := section([]string{"rule beneath", "kind", "matched", "days", "first", "last", "off"}, rows); err != nil {
		return err
	}
	rows = nil
	for i, f := range r.Hunt.Findings {
		if i == backtestFindings {
			a.note("only the first %d findings are shown; -o json has all", backtestFindings)
			break
		}
		rows = append(rows, []string{timeText(f.Time, zone), f.Entity, f.Outcome, n(f.Count), f.Message, f.ID})
	}
	return section([]string{"time", "entity", "outcome", "count", "message", "id"}, rows)
}

// head writes the figures of the whole.
func (c *rulesBacktestCmd) head(out *bufio.Writer, r *backtest.Report, zone *time.Location) {
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(out, "%-10s %s\n", name, printableLine(text))
		}
	}
	line("rule", r.Rule.Title)
	line("id", r.Rule.ID)
	line("severity", string(r.Rule.Severity))
	line("findings", fmt.Sprintf("%s of %s", count(int(r.Findings), "finding"), count(int(r.Events), "event")))
	if r.Span > 0 {
		line("days", fmt.Sprintf("%d, %d of them without a finding", r.Span, r.Quiet()))
	}
	line("first", timeText(r.First, zone))
	line("last", timeText(r.Last, zone))
}
