package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/filter"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/state"
	"bluetrail/internal/vector"
)

type findingsCmd struct {
	List findingsListCmd `cmd:"" default:"withargs" help:"List findings, the newest first."`
	Show findingsShowCmd `cmd:"" help:"Show findings whole, with their events."`
	Mark findingsMarkCmd `cmd:"" help:"Say whether findings were what their rules look for, or harmless."`
}

type findingsListCmd struct {
	Data     string `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Earliest string `help:"Start of the time range, inclusive: -24h, -7d@d, epoch, RFC 3339." placeholder:"T"`
	Latest   string `help:"End of the time range, exclusive." placeholder:"T"`
	Rule     string `help:"Only findings of rules with this ID, name or title; * stands for any text." placeholder:"RULE"`
	Severity string `help:"Only findings at least this severe: informational, low, medium, high, critical." enum:"informational,low,medium,high,critical" default:"informational"`
	Entity   string `help:"Only findings about this user, role, address, …; * stands for any text." placeholder:"TEXT"`
	All      bool   `help:"Also list findings that are quieted by the class of their actors or by an allow-list."`
	Status   string `help:"Only findings with this status: open, true or false." enum:",open,true,false" default:"" placeholder:"STATUS"`
	Output   string `short:"o" help:"Output format: table, list (one field a line), json (whole findings) or csv." enum:"table,list,json,csv" default:"table"`
}

type findingsShowCmd struct {
	ID     []string `arg:"" name:"id" help:"The ID of a finding, or how it begins."`
	Data   string   `help:"Data directory (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Output string   `short:"o" help:"Output format: list or json." enum:"list,json" default:"list"`
}

func (*findingsListCmd) pages() bool { return true }
func (*findingsShowCmd) pages() bool { return true }

func (c *findingsListCmd) home(a *app) string { return a.dataDir(c.Data) }
func (c *findingsShowCmd) home(a *app) string { return a.dataDir(c.Data) }

// Help implements kong.HelpProvider.
func (*findingsListCmd) Help() string {
	return examples(
		"bluetrail findings --data ./data --earliest -24h --severity high",
		"bluetrail findings --entity 'alice*' -o json | jq .message",
	)
}

// Help implements kong.HelpProvider.
func (*findingsShowCmd) Help() string {
	return examples("bluetrail findings show 5f0c1d", "bluetrail findings show 5f0c1d -o json | jq .events")
}

// findingColumns are the columns of a row of findings. Those in the state have a status,
// too. findingSpare and markedSpare are what a narrow terminal does not show.
var (
	findingSpare   = []string{"message", "id", "outcome"}
	markedSpare    = []string{"message", "outcome", "count"}
	findingColumns = []string{"time", "severity", "rule", "entity", "outcome", "count", "message", "id"}
	markedColumns  = []string{"time", "severity", "rule", "entity", "outcome", "count", "message", "status", "id"}
)

// findings opens the state that has the findings of a data directory.
func (a *app) findings(dir string) (db *state.DB, release func(), err error) {
	if _, err := os.Stat(filepath.Join(dir, state.DatabaseFile)); a.opened == nil && errors.Is(err, fs.ErrNotExist) {
		return nil, nil, usage("there is no data directory %q; use --data DIR, or create one with: bluetrail ingest PATH --data %s", dir, shellWord(dir))
	}
	return a.state(dir)
}

func (c *findingsListCmd) Run(a *app) error {
	q, err := c.query(a)
	if err != nil {
		return err
	}
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	desk, err := a.desk(db, a.dataDir(c.Data), nil)
	if err != nil {
		return err
	}
	byRule, byEntity := filter.Wildcard(c.Rule, false), filter.Wildcard(c.Entity, false)
	out := bufio.NewWriterSize(a.out, 64<<10)
	rows, err := result.New(out, result.Options{
		Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err,
		Spare: markedSpare, Whole: []string{"time"},
	})
	if err != nil {
		return err
	}
	n, quiet := 0, 0
	err = db.Findings(a.ctx, q, func(s *state.Finding) error {
		if c.Entity != "" && !byEntity(s.Entity) {
			return nil
		}
		if c.Status != "" && c.Status != string(s.Status) {
			return nil
		}
		f, _, err := readFinding(s)
		if err != nil {
			return err
		}
		if c.Rule != "" && !byRule(f.RuleID) && !byRule(f.Rule) && !byRule(f.Title) {
			return nil
		}
		v := desk.Apply(f)
		if f.Severity.Rank() < q.Severity {
			return nil
		}
		if v.Quiet != triage.NotQuiet && !c.All {
			quiet++
			return nil
		}
		n++
		if c.Output == "json" {
			body, err := json.Marshal(f)
			if err != nil {
				return err
			}
			return writeJSON(out, body)
		}
		return rows.Write(findingRow(markedColumns, f, a.zone()))
	})
	if err != nil {
		return err
	}
	var notes []string
	if c.Output != "json" {
		if notes, err = rows.Close(); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	for _, note := range notes {
		a.note("%s", note)
	}
	line := count(n, "finding")
	if quiet > 0 {
		line += fmt.Sprintf("; %d more are quiet, --all lists those, too", quiet)
	}
	a.note("%s", line)
	return nil
}

// query reads the time range and the severity.
func (c *findingsListCmd) query(a *app) (q state.FindingQuery, err error) {
	o := search.Options{Earliest: c.Earliest, Latest: c.Latest, Zone: a.zone()}
	env, err := o.Env()
	if err != nil {
		return q, err
	}
	q = state.FindingQuery{Earliest: math.MinInt64, Latest: math.MaxInt64, Severity: rule.Severity(c.Severity).Rank(), Newest: true}
	if !env.Earliest.IsZero() {
		q.Earliest = env.Earliest.UnixNano()
	}
	if !env.Latest.IsZero() {
		q.Latest = env.Latest.UnixNano()
	}
	return q, nil
}

// readFinding reads a finding of the state, with its mark.
func readFinding(s *state.Finding) (f *finding.Finding, body []byte, err error) {
	f = &finding.Finding{}
	if body, err = s.Document(); err == nil {
		err = json.Unmarshal(body, f)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("finding %q cannot be read: %w", s.ID, err)
	}
	return f, body, nil
}

func findingRow(columns []string, f *finding.Finding, zone *time.Location) *vector.Batch {
	b := vector.NewBuilder(columns...)
	b.Add()
	for name, text := range map[string]string{
		"time": f.Time.In(zone).Format(time.RFC3339), "severity": string(f.Severity), "rule": f.Rule, "entity": f.Entity, "outcome": f.Outcome,
		"count": strconv.FormatInt(f.Count, 10), "message": f.Message, "status": f.Status, "id": f.ID,
	} {
		if at := slices.Index(columns, name); at >= 0 {
			b.SetAt(at, vector.String(text))
		}
	}
	return b.Batch()
}

// writeJSON writes a line of JSON. What a terminal would obey stands in it as an
// escape.
func writeJSON(w *bufio.Writer, body []byte) error {
	for _, r := range string(body) {
		if r >= 0x7f && r < 0xa0 {
			fmt.Fprintf(w, `\u%04x`, r)
			continue
		}
		w.WriteRune(r)
	}
	return w.WriteByte('\n')
}

func (c *findingsShowCmd) Run(a *app) error {
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return err
	}
	defer release()
	desk, err := a.desk(db, a.dataDir(c.Data), nil)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	for i, id := range c.ID {
		s, err := oneFinding(db, id)
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		f, _, err := readFinding(s)
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		desk.Apply(f)
		body, err := json.Marshal(f)
		if err != nil {
			return errors.Join(out.Flush(), err)
		}
		if i > 0 && c.Output != "json" {
			fmt.Fprintln(out)
		}
		if c.Output == "json" {
			err = writeJSON(out, body)
		} else {
			err = a.showFinding(out, f)
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// oneFinding returns the finding that a text means.
func oneFinding(db *state.DB, id string) (*state.Finding, error) {
	const most = 5
	ids, err := db.FindingIDs(strings.ToLower(id), most)
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0:
		return nil, fmt.Errorf("there is no finding %q; bluetrail findings lists them", id)
	case len(ids) > 1 && ids[0] != id:
		return nil, usage("several findings begin with %q: %s; write more of the ID", id, strings.Join(ids, ", "))
	}
	return db.Finding(ids[0])
}

// showFinding writes the fields of a finding and then its events.
func (a *app) showFinding(out *bufio.Writer, f *finding.Finding) error {
	options := result.Options{Format: "list", Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour}
	fields, err := result.New(out, options)
	if err != nil {
		return err
	}
	row := vector.NewBuilder()
	row.Add()
	for _, name := range []string{
		"id", "time", "status", "note", "title", "rule_id", "severity", "rule_severity", "quiet", "triage", "mitre", "entity", "outcome", "actor", "actor_type", "actor_class", "actor_chain", "session_id", "account", "region", "source_ip",
		"user_agent", "event_name", "object", "count", "first", "last", "message",
	} {
		setFinding(row, f, name, f.Get(name), a.zone())
	}
	for _, x := range f.Fields {
		setFinding(row, f, x.Name, x.Values, a.zone())
	}
	if err := fields.Write(row.Batch()); err != nil {
		return err
	}
	if _, err := fields.Close(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	options.Format = "table"
	table, err := result.New(out, options)
	if err != nil {
		return err
	}
	rows := vector.NewBuilder("time", "event_name", "outcome", "object", "source_ip", "region", "event_id")
	for i := range f.Events {
		e := &f.Events[i]
		rows.Add()
		for j, text := range []string{e.Time.In(a.zone()).Format(time.RFC3339), e.Name, e.Outcome, e.Object, e.SourceIP, e.Region, e.ID} {
			rows.SetAt(j, vector.String(text))
		}
	}
	if err := table.Write(rows.Batch()); err != nil {
		return err
	}
	notes, err := table.Close()
	for _, note := range notes {
		a.note("%s", note)
	}
	if more := f.Count - int64(len(f.Events)); err == nil && more > 0 {
		a.note("%s of the finding not shown", count(int(more), "more event"))
	}
	return err
}

// setFinding sets a field of a row to what a finding has of it.
func setFinding(row *vector.Builder, f *finding.Finding, name string, values []string, zone *time.Location) {
	switch name {
	case "id":
		values = []string{f.ID}
	case "status":
		values = []string{f.Status}
	case "note":
		values = []string{f.Note}
	case "time":
		values = []string{f.Time.In(zone).Format(time.RFC3339)}
	case "first":
		values = []string{f.First.In(zone).Format(time.RFC3339)}
	case "last":
		values = []string{f.Last.In(zone).Format(time.RFC3339)}
	case "mitre":
		values = f.Mitre
	case "message":
		values = []string{f.Message}
	}
	if more := f.More[name]; more > 0 {
		values = append(values[:len(values):len(values)], fmt.Sprintf("and %d more", more))
	}
	if strings.TrimSpace(strings.Join(values, "")) != "" {
		row.Set(name, vector.Strings(values))
	}
}
