package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/report"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/diag"
	"bluetrail/internal/generate"
	"bluetrail/internal/result"
	"bluetrail/internal/store"
	"bluetrail/internal/store/files"
	"bluetrail/internal/vector"
	"bluetrail/rules"
)

type huntCmd struct {
	Rules     []string `help:"Folder or file of further rules: Sigma, Splunk's YAML, savedsearches.conf; repeatable." placeholder:"DIR"`
	NoShipped bool     `help:"Leave out the rules that come with bluetrail."`
	Severity  string   `help:"Only findings at least this severe: informational, low, medium, high, critical." enum:"informational,low,medium,high,critical" default:"informational"`
	Labels    string   `help:"Hold the findings against the labels of a generated trail (its folder, or a file of labels): what was caught, missed, quiet and loud." placeholder:"PATH"`
	All       bool     `help:"Also list findings that are quieted by the class of their actors or by an allow-list; they are counted otherwise."`
	input
	Output string `short:"o" help:"Output format: table, list, json (whole findings), csv or html (a page with charts and events)." enum:"table,list,json,csv,html" default:"table"`
}

func (c *huntCmd) pages() bool { return c.Output != "html" }

// Help implements kong.HelpProvider.
func (*huntCmd) Help() string {
	return examples(
		"bluetrail hunt ./AWSLogs",
		"bluetrail hunt --data ./data --earliest -7d",
		"bluetrail hunt ./AWSLogs --rules ./sigma/rules/cloud/aws --severity high",
		"bluetrail hunt ./AWSLogs -o json | jq -r .message",
		"bluetrail hunt ./AWSLogs -o html > hunt.html",
		"bluetrail generate --out ./trail && bluetrail hunt ./trail/AWSLogs --labels ./trail",
	)
}

// ruleset loads the shipped rules, without their tests, those of folders, and the own
// rules of a data directory, "" = of none.
func (a *app) ruleset(dirs []string, shipped bool, knowledge []string, data string) (*ruleset.Ruleset, error) {
	return a.loadRules(dirs, shipped, knowledge, data, true)
}

func (a *app) loadRules(dirs []string, shipped bool, knowledge []string, data string, untested bool) (*ruleset.Ruleset, error) {
	paths := make([]string, len(dirs))
	for i, dir := range dirs {
		paths[i] = a.path(dir)
		if !exists(paths[i]) {
			return nil, usage("there are no rules at %q", dir)
		}
	}
	all := a.withOwn(paths, data)
	if len(all) == 0 && !shipped {
		return nil, usage("there are no rules: --no-shipped leaves out those that come with bluetrail; name a folder of others with --rules DIR")
	}
	o := ruleset.Options{Knowledge: func(folders []string) (splrule.Knowledge, error) {
		return a.knowledge("", append(folders, knowledge...))
	}}
	if shipped {
		o.Shipped, o.Untested = rules.Files, untested
	}
	rs, err := ruleset.Load(a.ctx, all, o)
	if err != nil {
		return nil, err
	}
	for i, path := range paths {
		if !rs.Has(path) && slices.Contains(all, path) {
			a.warn("there are no rules in %s: Sigma and SPL rules are files that end in .yml or .yaml, or savedsearches.conf", diag.Printable(dirs[i]))
		}
	}
	return rs, nil
}

// maxFaults is how many rules that cannot be loaded are named.
const maxFaults = 10

// warnFaults says what could not be loaded.
func (a *app) warnFaults(rs *ruleset.Ruleset) {
	for i, f := range rs.Faults {
		if i == maxFaults {
			a.warn("%s more; bluetrail rules test lists them", count(len(rs.Faults)-i, "fault"))
			break
		}
		a.warn("%v", f)
	}
}

// noteRules says what was loaded.
func (a *app) noteRules(rs *ruleset.Ruleset) {
	a.warnFaults(rs)
	running, off := 0, 0
	for i := range rs.Rules {
		switch r := &rs.Rules[i]; {
		case r.Off != "":
			off++
		default:
			running++
		}
	}
	line := count(running, "rule")
	if off > 0 {
		line += fmt.Sprintf(", %d more switched off", off)
	}
	if len(rs.Others) > 0 {
		line += fmt.Sprintf(", %d for other logs", len(rs.Others))
	}
	a.note("%s", line)
}

func (c *huntCmd) Run(a *app) error {
	var labels []generate.Label
	if c.Labels != "" {
		if c.Output == "html" {
			return usage("--labels makes tables: use -o table, list, json or csv")
		}
		var err error
		if labels, err = generate.ReadLabels(a.path(c.Labels)); err != nil {
			return err
		}
	}
	rs, err := a.ruleset(c.Rules, !c.NoShipped, c.Knowledge, c.home(a))
	if err != nil {
		return err
	}
	h, err := c.hunting(a, rs)
	if err != nil {
		return err
	}
	defer h.close()
	a.noteRules(rs)
	h.Severity = rule.Severity(c.Severity)
	if h.Triage, err = a.triage(c.All); err != nil {
		return err
	}
	if len(c.Files) == 0 {
		if err := a.heard(h.Triage, c.Data); err != nil {
			return err
		}
	}
	stop := h.meter(a)
	res, err := hunt.Run(a.ctx, h.Options)
	stop()
	if err != nil {
		return err
	}
	st := h.stats()
	switch {
	case c.Labels != "":
		err = a.writeScorecard(c.Output, newScorecard(labels, res.Findings), "finding")
	case c.Output == "html":
		err = c.page(a, rs, res, st)
	default:
		err = c.write(a, res)
	}
	if err == nil {
		a.huntProblems(res, st)
		a.noteTriage(res)
		a.note("%s from %s", count(len(res.Findings), "finding"), a.huntRead(res, st))
	}
	return err
}

// hunting is a hunt over what the flags of a verb name.
type hunting struct {
	hunt.Options
	close func() error // the store
}

// hunting opens what the flags name, for rules of a set.
func (s *source) hunting(a *app, rs *ruleset.Ruleset) (*hunting, error) {
	o, err := s.options(a)
	if err != nil {
		return nil, err
	}
	env, err := o.Env()
	if err != nil {
		return nil, errors.Join(err, o.Store.Close())
	}
	if rs.Knowledge != nil {
		o.Macros, o.Knowledge = rs.Knowledge, rs.Knowledge
	}
	records, err := hunt.FromStore(o.Store, env.Earliest, env.Latest)
	if err != nil {
		return nil, errors.Join(err, o.Store.Close())
	}
	untune := func() {}
	if a.opened == nil {
		untune = tuneMemory(huntMemory)
	}
	st := o.Store
	closing := func() error {
		untune()
		return st.Close()
	}
	o.Store = nil
	return &hunting{hunt.Options{
		Rules: rs, Records: records, Space: a.disk(), Search: o, TempDir: a.cfg.Search.TempDir, Disk: int64(a.cfg.Search.DiskMiB) << 20,
		Earliest: env.Earliest, Latest: env.Latest,
	}, closing}, nil
}

// meter shows how far the hunt has come, until stop is called.
func (h *hunting) meter(a *app) (stop func()) {
	if f, ok := h.Records.(*files.Store); ok {
		return a.meter(f.Progress, bytes)
	}
	return func() {}
}

func (h *hunting) stats() store.Stats {
	if f, ok := h.Records.(store.Counting); ok {
		return f.Stats()
	}
	return store.Stats{}
}

// huntProblems tells what was left out.
func (a *app) huntProblems(res *hunt.Result, st store.Stats) {
	for _, f := range res.Faults {
		a.warn("%v", f)
	}
	for _, n := range st.Skipped {
		a.partly = true
		a.warn("%v", n)
	}
	if st.SkippedMore > 0 {
		a.warn("%s more", count(int(st.SkippedMore), "problem"))
	}
	if st.LeftOut != "" {
		a.note("%s", st.LeftOut)
	}
	a.notices(st.Notes)
	if res.Others > 0 {
		a.note("%s skipped: not CloudTrail's; only SPL rules look at them", count(int(res.Others), "JSON object"))
	}
	if res.Forgotten > 0 {
		a.warn("%s forgotten for lack of memory, the oldest first: some actors are those of the record only", count(res.Forgotten, "credential"))
	}
	if res.Dropped > 0 {
		a.warn("%s beyond the first %d not shown; narrow the time range, or raise --severity", count(res.Dropped, "finding"), hunt.MaxFindings)
	}
	for _, left := range []struct {
		n    int64
		what string
	}{
		{res.Judged.NoGroup, "event left out of correlations for lack of a group-by field"},
		{res.Judged.Evicted, "group of correlations given up early for lack of memory"},
		{res.Judged.Shortened, "event dropped from windows that held too many"},
	} {
		if left.n > 0 {
			a.note("%d × %s", left.n, left.what)
		}
	}
}

// huntRead says what was read, and how long that took.
func (a *app) huntRead(res *hunt.Result, st store.Stats) string {
	line := count(int(res.Events), "event")
	if st.Files > 0 {
		line += " in " + count(int(st.Files), "file")
	}
	if res.Events > 0 {
		line += fmt.Sprintf(", %s to %s", res.First.In(a.zone()).Format(time.RFC3339), res.Last.In(a.zone()).Format(time.RFC3339))
	}
	return fmt.Sprintf("%s, %s", line, time.Since(a.started).Round(10*time.Millisecond))
}

// page writes the findings as an HTML page.
func (c *huntCmd) page(a *app, rs *ruleset.Ruleset, res *hunt.Result, st store.Stats) error {
	r := &report.Report{
		Findings: res.Findings, Dropped: res.Dropped, Triaged: triaged(&res.Triaged), Files: st.Files, Events: res.Events, First: res.First, Last: res.Last, Zone: a.zone(),
	}
	for i := range rs.Rules {
		if rs.Rules[i].Off == "" {
			r.Rules++
		}
	}
	for _, f := range slices.Concat(rs.Faults, res.Faults) {
		r.Problems = append(r.Problems, f.Error())
	}
	for _, n := range st.Skipped {
		r.Problems = append(r.Problems, n.String())
	}
	if st.SkippedMore > 0 {
		r.Problems = append(r.Problems, count(int(st.SkippedMore), "more problem"))
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	if err := report.HTML(out, r); err != nil {
		return err
	}
	return out.Flush()
}

// write writes the findings, in a table the worst first and with summaries.
func (c *huntCmd) write(a *app, res *hunt.Result) error {
	out := bufio.NewWriterSize(a.out, 64<<10)
	if c.Output == "json" {
		for _, f := range res.Findings {
			body, err := json.Marshal(f)
			if err == nil {
				err = writeJSON(out, body)
			}
			if err != nil {
				return err
			}
		}
		return out.Flush()
	}
	list := res.Findings
	if c.Output == "table" {
		list = slices.Clone(list)
		slices.SortStableFunc(list, func(x, y *finding.Finding) int { return cmp.Compare(y.Severity.Rank(), x.Severity.Rank()) })
	}
	options := result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
	options.Spare, options.Whole = findingSpare, []string{"time"}
	notes, err := a.table(out, options, func(w result.Writer) error {
		for _, f := range list {
			if err := w.Write(findingRow(findingColumns, f, a.zone())); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && c.Output == "table" && len(list) > 0 {
		options.Spare, options.Whole = []string{"first", "events"}, []string{"first", "last"}
		for _, s := range report.Summaries {
			fmt.Fprintln(out)
			more, failed := a.table(out, options, func(w result.Writer) error { return w.Write(summaryRows(s.Of(list), s.Field, a.zone())) })
			if err = failed; err != nil {
				break
			}
			notes = append(notes, more...)
		}
	}
	if err == nil {
		err = out.Flush()
	}
	slices.Sort(notes)
	for _, n := range slices.Compact(notes) {
		a.note("%s", n)
	}
	return err
}

// rows writes one table.
func (a *app) rows(out *bufio.Writer, o result.Options, fill func(w result.Writer) error) error {
	notes, err := a.table(out, o, fill)
	for _, n := range notes {
		a.note("%s", n)
	}
	return err
}

// table is rows for a table among others, whose notes are told together.
func (a *app) table(out *bufio.Writer, o result.Options, fill func(w result.Writer) error) ([]string, error) {
	w, err := result.New(out, o)
	if err != nil {
		return nil, err
	}
	if err := fill(w); err != nil {
		return nil, err
	}
	return w.Close()
}

// summaryRows makes rows of a summary of findings.
func summaryRows(t report.Table, field string, zone *time.Location) *vector.Batch {
	b := vector.NewBuilder(field, "worst", "findings", "events", "first", "last")
	add := func(texts ...string) {
		b.Add()
		for i, text := range texts {
			b.SetAt(i, vector.String(text))
		}
	}
	for _, r := range t.Rows {
		add(r.Value, string(r.Worst), strconv.Itoa(r.Findings), strconv.FormatInt(r.Events, 10), r.First.In(zone).Format(time.RFC3339), r.Last.In(zone).Format(time.RFC3339))
	}
	if t.More > 0 {
		add(fmt.Sprintf("and %d more", t.More))
	}
	return b.Batch()
}
