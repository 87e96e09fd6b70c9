package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"bluetrail/internal/detect/report"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/result"
	"bluetrail/internal/vector"
)

type rulesListCmd struct {
	Dirs      []string `arg:"" optional:"" name:"dir" help:"Folders or files of further rules."`
	NoShipped bool     `help:"Leave out the rules that come with bluetrail."`
	ownFlag
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
	Output    string   `short:"o" help:"Output format: table (with the coverage of ATT&CK), json, csv or navigator (a layer of the ATT&CK Navigator)." enum:"table,json,csv,navigator" default:"table"`
}

func (c *rulesListCmd) pages() bool { return c.Output == "table" }

// Help implements kong.HelpProvider.
func (*rulesListCmd) Help() string {
	return examples(
		"bluetrail rules list",
		"bluetrail rules list ./sigma/rules/cloud/aws --no-shipped -o csv",
		"bluetrail rules list -o navigator > layer.json",
	)
}

// listedRule is a rule as rules list -o json has it.
type listedRule struct {
	ID         string        `json:"id"`
	Title      string        `json:"title"`
	Kind       rule.Kind     `json:"kind"`
	Severity   rule.Severity `json:"severity"`
	Tactics    []string      `json:"tactics"`
	Techniques []string      `json:"techniques"`
	State      string        `json:"state"`
	Tests      int           `json:"tests"`
	File       string        `json:"file"`
	Line       int           `json:"line"`
}

// ruleState says whether a rule runs.
func ruleState(r *ruleset.Rule) string {
	switch {
	case r.Off != "":
		return "off: " + r.Off
	case r.Silent:
		return "serves correlations"
	}
	return "on"
}

func (c *rulesListCmd) Run(a *app) error {
	data := a.dataDir(c.Data)
	if c.NoShipped && len(a.withOwn(c.Dirs, data)) == 0 {
		return usage("there are no rules to list: --no-shipped leaves out those that come with bluetrail; name a folder, as in: bluetrail rules list ./rules --no-shipped")
	}
	rs, err := a.loadRules(c.Dirs, !c.NoShipped, c.Knowledge, data, false)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	switch c.Output {
	case "navigator":
		err = report.Navigator(out, rs)
	case "json":
		err = listJSON(out, rs)
	default:
		err = c.tables(a, out, rs)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	a.warnFaults(rs)
	off := 0
	for i := range rs.Rules {
		if rs.Rules[i].Off != "" {
			off++
		}
	}
	line := count(len(rs.Rules), "rule")
	if off > 0 {
		line += fmt.Sprintf(", %d of them off", off)
	}
	if n := len(rs.Others); n > 0 {
		line += fmt.Sprintf("; %d more are for other logs", n)
	}
	a.note("%s", line)
	return nil
}

func listJSON(out *bufio.Writer, rs *ruleset.Ruleset) error {
	for i := range rs.Rules {
		r := &rs.Rules[i]
		body, err := json.Marshal(listedRule{
			ID: r.ID, Title: r.Title, Kind: r.Kind, Severity: r.Severity, Tactics: append([]string{}, r.Tactics()...), Techniques: append([]string{}, r.Mitre()...),
			State: ruleState(r), Tests: len(r.Tests), File: r.File, Line: r.Line,
		})
		if err == nil {
			err = writeJSON(out, body)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// tables writes the rules and, for people, what they cover.
func (c *rulesListCmd) tables(a *app, out *bufio.Writer, rs *ruleset.Ruleset) error {
	o := result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour, Cancelled: a.ctx.Err}
	columns := []string{"id", "title", "kind", "severity", "attack", "state", "file"}
	rows := make([][]string, len(rs.Rules))
	for i := range rs.Rules {
		r := &rs.Rules[i]
		rows[i] = []string{r.ID, r.Title, string(r.Kind), string(r.Severity), strings.Join(r.Mitre(), " "), ruleState(r), r.File}
	}
	o.Spare = []string{"file", "kind", "state"}
	err := a.textRows(out, o, columns, rows)
	o.Spare = nil
	if err != nil || c.Output != "table" {
		return err
	}
	tactics, techniques := report.Covered(rs)
	var ofTactics, ofTechniques [][]string
	for _, t := range tactics {
		ofTactics = append(ofTactics, []string{t.ID, strconv.Itoa(len(t.Rules)), strings.Join(t.Of, " ")})
	}
	for _, t := range techniques {
		ofTechniques = append(ofTechniques, []string{t.ID, strconv.Itoa(len(t.Rules))})
	}
	for _, t := range []struct {
		columns []string
		rows    [][]string
	}{{[]string{"tactic", "rules", "techniques"}, ofTactics}, {[]string{"technique", "rules"}, ofTechniques}} {
		if len(t.rows) == 0 {
			continue
		}
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
		if err := a.textRows(out, o, t.columns, t.rows); err != nil {
			return err
		}
	}
	return nil
}

// textRows writes a table of texts.
func (a *app) textRows(out *bufio.Writer, o result.Options, columns []string, rows [][]string) error {
	return a.rows(out, o, func(w result.Writer) error {
		for _, row := range rows {
			b := vector.NewBuilder(columns...)
			b.Add()
			for i, text := range row {
				b.SetAt(i, vector.String(text))
			}
			if err := w.Write(b.Batch()); err != nil {
				return err
			}
		}
		return nil
	})
}
