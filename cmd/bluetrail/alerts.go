package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

type alertsCmd struct {
	List    alertsListCmd    `cmd:"" default:"withargs" help:"List alerts, the newest first."`
	Show    alertsShowCmd    `cmd:"" help:"Show alerts: what happened, who, from where, what else, what to do next."`
	Close   alertsCloseCmd   `cmd:"" help:"Close alerts with a verdict."`
	Assign  alertsAssignCmd  `cmd:"" help:"Assign alerts to somebody, or reopen them."`
	Comment alertsCommentCmd `cmd:"" help:"Comment on alerts."`
	Export  alertsExportCmd  `cmd:"" help:"Write alerts with the records of their events and their history, one JSON object a line."`
}

// alertFilter is the flags that choose alerts.
type alertFilter struct {
	Data     string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Earliest string `help:"Only alerts with events since then: -24h, -7d@d, epoch, RFC 3339." placeholder:"T"`
	Latest   string `help:"Only alerts with events before then." placeholder:"T"`
	Status   string `help:"Only alerts with this status: new, in_progress, closed, or open for both of the former." enum:",new,in_progress,closed,open" default:"" placeholder:"STATUS"`
	Severity string `help:"Only alerts at least this severe: informational, low, medium, high, critical." enum:"informational,low,medium,high,critical" default:"informational"`
	Rule     string `help:"Only alerts of rules with this ID, name or title; * stands for any text." placeholder:"RULE"`
	Entity   string `help:"Only alerts about this user, role, address, …; * stands for any text." placeholder:"TEXT"`
	Account  string `help:"Only alerts of this account." placeholder:"ID"`
	Assignee string `help:"Only alerts assigned to this person; none for those assigned to nobody." placeholder:"WHO"`
	Text     string `help:"Only alerts whose title, summary or entity contains this text." placeholder:"TEXT"`
}

func (c *alertFilter) home(a *app) string { return a.dataDir(c.Data) }

// chosen reports whether a flag narrows the alerts.
func (c *alertFilter) chosen() bool {
	return c.Earliest+c.Latest+c.Status+c.Rule+c.Entity+c.Account+c.Assignee+c.Text != "" || c.Severity != "informational"
}

// query returns what the state filters by.
func (c *alertFilter) query(a *app) (q state.AlertQuery, err error) {
	o := search.Options{Earliest: c.Earliest, Latest: c.Latest, Zone: a.zone()}
	env, err := o.Env()
	if err != nil {
		return q, err
	}
	q.Severity = rule.Severity(c.Severity).Rank()
	if !env.Earliest.IsZero() {
		q.Earliest = env.Earliest.UnixNano()
	}
	if !env.Latest.IsZero() {
		q.Latest = env.Latest.UnixNano()
	}
	switch c.Status {
	case "":
	case "open":
		q.Status = []string{string(alert.New), string(alert.InProgress)}
	default:
		q.Status = []string{c.Status}
	}
	return q, nil
}

// each calls f with the alerts that the flags choose, the newest first.
func (c *alertFilter) each(a *app, db *state.DB, bodies bool, f func(*state.Alert) error) error {
	q, err := c.query(a)
	if err != nil {
		return err
	}
	q.Bodies = bodies
	match := alert.Filter{Rule: []string{c.Rule}, Entity: []string{c.Entity}, Account: []string{c.Account}, Assignee: []string{c.Assignee}, Text: c.Text}.Match()
	return db.Alerts(a.ctx, q, func(r *state.Alert) error {
		if !match(r) {
			return nil
		}
		return f(r)
	})
}

type alertsListCmd struct {
	alertFilter
	By     string `help:"Count alerts instead, by rule, entity, account, severity, status, verdict or assignee." enum:",rule,entity,account,severity,status,verdict,assignee" default:"" placeholder:"FIELD"`
	Output string `short:"o" help:"Output format: table, list (one field a line), json (whole alerts) or csv." enum:"table,list,json,csv" default:"table"`
}

func (*alertsListCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*alertsListCmd) Help() string {
	return examples(
		"bluetrail alerts --data ./data --status open --severity high",
		"bluetrail alerts --earliest -7d --by rule",
		"bluetrail alerts --entity '*alice' -o json | jq .summary",
	)
}

// alertColumns are the columns of a list; a narrow terminal leaves those of alertSpare
// out, in this order.
var (
	alertColumns = []string{"number", "time", "severity", "status", "title", "entity", "events", "risk", "assignee", "account", "verdict", "summary", "id"}
	alertSpare   = []string{"summary", "id", "verdict", "account", "risk", "assignee", "events"}
)

func alertRow(b *vector.Builder, r *state.Alert, zone *time.Location) {
	b.Add()
	for i, v := range []string{
		strconv.FormatInt(r.Number, 10), nanoText(r.Last, zone), severityOf(r), r.Status, r.Title, r.Entity, strconv.FormatInt(r.Events, 10),
		strconv.FormatFloat(r.Risk, 'f', -1, 64), r.Assignee, "", r.Verdict, r.Summary, r.ID,
	} {
		if alertColumns[i] == "account" {
			b.SetAt(i, vector.Strings(r.Accounts))
			continue
		}
		b.SetAt(i, vector.String(v))
	}
}

func nanoText(ns int64, zone *time.Location) string {
	return time.Unix(0, ns).In(zone).Format(time.RFC3339)
}

func severityOf(r *state.Alert) string {
	return string(rule.Severities[min(max(r.Severity, 0), len(rule.Severities)-1)])
}

func (c *alertsListCmd) Run(a *app) error {
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	out := bufio.NewWriterSize(a.out, 64<<10)
	rows, err := result.New(out, result.Options{
		Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err,
		Spare: alertSpare, Whole: []string{"time", "number"},
	})
	if err != nil {
		return err
	}
	if c.By != "" {
		return c.group(a, db, out, rows)
	}
	n := 0
	b := vector.NewBuilder(alertColumns...)
	err = c.each(a, db, c.Output == "json", func(r *state.Alert) error {
		n++
		if c.Output == "json" {
			doc, err := alert.Decode(r)
			if err != nil {
				return err
			}
			body, err := json.Marshal(doc)
			if err != nil {
				return err
			}
			return writeJSON(out, body)
		}
		if alertRow(b, r, a.zone()); b.Len() < vector.DefaultRows {
			return nil
		}
		full := b.Batch()
		b = vector.NewBuilder(alertColumns...)
		return rows.Write(full)
	})
	if err == nil && b.Len() > 0 {
		err = rows.Write(b.Batch())
	}
	return c.end(a, out, rows, n, err)
}

// end writes what is left, and how many alerts there are.
func (c *alertsListCmd) end(a *app, out *bufio.Writer, rows result.Writer, n int, err error) error {
	var notes []string
	if err == nil && (c.Output != "json" || c.By != "") {
		notes, err = rows.Close()
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	for _, note := range notes {
		a.note("%s", note)
	}
	a.note("%s", count(n, "alert"))
	if n == 0 && c.Rule != "" && !strings.Contains(c.Rule, "*") {
		rs, err := a.ruleset(a.cfg.Rules.Dirs, a.cfg.Rules.Shipped, nil, a.dataDir(c.Data))
		if err == nil {
			_, err = findRule(rs, c.Rule)
		}
		if err != nil {
			a.warn("%v", err)
		}
	}
	return nil
}

// group counts alerts by a field.
func (c *alertsListCmd) group(a *app, db *state.DB, out *bufio.Writer, rows result.Writer) error {
	type total struct {
		key          string
		alerts, open int
		events       int64
		worst        int
		last         int64
	}
	by := map[string]*total{}
	n := 0
	err := c.each(a, db, false, func(r *state.Alert) error {
		n++
		keys := []string{map[string]string{"rule": cmp.Or(r.Name, r.Title), "entity": r.Entity, "severity": severityOf(r), "status": r.Status, "verdict": r.Verdict, "assignee": r.Assignee}[c.By]}
		if c.By == "account" {
			keys = r.Accounts
		}
		for _, key := range keys {
			t := by[key]
			if t == nil {
				t = &total{key: key}
				by[key] = t
			}
			t.alerts++
			t.events += r.Events
			t.worst, t.last = max(t.worst, r.Severity), max(t.last, r.Last)
			if r.Status != string(alert.Closed) {
				t.open++
			}
		}
		return nil
	})
	list := make([]*total, 0, len(by))
	for _, t := range by {
		list = append(list, t)
	}
	slices.SortFunc(list, func(x, y *total) int { return cmp.Or(cmp.Compare(y.alerts, x.alerts), strings.Compare(x.key, y.key)) })
	b := vector.NewBuilder(c.By, "alerts", "open", "events", "worst", "last")
	for _, t := range list {
		b.Add()
		for i, v := range []string{t.key, strconv.Itoa(t.alerts), strconv.Itoa(t.open), strconv.FormatInt(t.events, 10), string(rule.Severities[t.worst]), nanoText(t.last, a.zone())} {
			b.SetAt(i, vector.String(v))
		}
	}
	if err == nil && b.Len() > 0 {
		err = rows.Write(b.Batch())
	}
	return c.end(a, out, rows, n, err)
}

// person is the flag that says who acts.
type person struct {
	As string `help:"Who acts, for the history (default: the user of the operating system)." placeholder:"WHO"`
}

// AfterApply asks who it is on the side of the user; a server has another.
func (p *person) AfterApply() (err error) {
	p.As, err = whoever(p.As)
	return err
}

// whoever returns who acts: as given, or else the user of the operating system.
func whoever(given string) (string, error) {
	if given == "" {
		if u, err := user.Current(); err == nil {
			return u.Username, nil
		}
		return "uid " + strconv.Itoa(os.Getuid()), nil
	}
	if len(given) > maxPerson {
		return "", usage("the name of who acts has %d bytes; at most %d are kept", len(given), maxPerson)
	}
	return given, nil
}

const maxPerson = 200

// oneAlert returns the ID of the alert that a text means: its number, or how its ID
// begins.
func oneAlert(db *state.DB, text string) (string, error) {
	id, err := alert.Find(db, text)
	switch {
	case errors.Is(err, alert.ErrGone):
		return "", fmt.Errorf("there is no alert %q; bluetrail alerts lists them", text)
	case errors.Is(err, alert.ErrSeveral):
		return "", usage("%q is not enough: %w; write more of the ID, or the number", text, err)
	}
	return id, err
}
