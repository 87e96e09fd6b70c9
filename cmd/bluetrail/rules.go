package main

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/diag"
	"bluetrail/internal/enrich"
	"bluetrail/internal/result"
	"bluetrail/internal/vector"
)

type rulesCmd struct {
	List    rulesListCmd    `cmd:"" help:"List rules and the ATT&CK techniques that they cover."`
	Test    rulesTestCmd    `cmd:"" help:"Run the tests of rules."`
	Show    rulesShowCmd    `cmd:"" help:"Show a rule: what is known about it, and its text."`
	Explain rulesExplainCmd `cmd:"" help:"Explain why a rule fires on an event, or does not."`
	Check   rulesCheckCmd   `cmd:"" help:"Report for each rule whether its search would run: it parses, and its macros and lookups exist."`
}

type rulesCheckCmd struct {
	Dirs      []string `arg:"" name:"dir" help:"Folders or files of rules (.yml, savedsearches.conf). Uses macros/, lookups/ and baselines/ in them or in their parents."`
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
	Output    string   `short:"o" help:"Output format: table, json or csv." enum:"table,json,csv" default:"table"`
}

// maxOthers is how many files without a rule are named.
const maxOthers = 5

// ruleColumns are the columns of a row of rules check.
var ruleColumns = []string{"file", "id", "name", "kind", "ok", "error"}

func (c *rulesCheckCmd) Run(a *app) error {
	for _, dir := range c.Dirs {
		if _, err := os.Stat(dir); err != nil {
			return usage("cannot open rules: %w", err)
		}
	}
	found, err := splrule.Find(a.ctx, c.Dirs)
	if a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	if err != nil {
		a.warn("some rules cannot be read: %v", err)
	}
	know, err := a.knowledge("", append(found.Knowledge, c.Knowledge...))
	if err != nil {
		return err
	}
	geo, err := enrich.OpenGeo(a.cfg.GeoIP)
	if err != nil {
		return err
	}
	check := &splrule.Checker{Knowledge: know, Geo: geo, Now: time.Now().In(a.zone())}
	out := bufio.NewWriterSize(a.out, 64<<10)
	w, err := result.New(out, result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY})
	if err != nil {
		return err
	}
	n, bad := 0, 0
	row := func(r *splrule.Rule, fault error) error {
		if n++; fault != nil {
			bad++
		}
		return w.Write(ruleRow(r, fault))
	}
	for _, file := range slices.Concat(found.Baselines, found.Files) {
		rules, _ := splrule.Load(file) // faults are told below
		for i := range rules {
			check.Keeps(&rules[i])
		}
	}
	var others []string // files without a rule
	said := map[string]bool{}
	for _, file := range found.Files {
		rules, fault := splrule.Load(file)
		for i := range rules {
			notes, fault := check.Check(a.ctx, &rules[i])
			if a.ctx.Err() != nil {
				return a.ctx.Err()
			}
			if err := row(&rules[i], fault); err != nil {
				return err
			}
			for _, note := range notes {
				if !said[note] {
					said[note] = true
					a.warn("%s: %s", file, note)
				}
			}
		}
		if fault != nil {
			if err := row(&splrule.Rule{File: file}, fault); err != nil {
				return err
			}
		} else if len(rules) == 0 {
			others = append(others, file)
		}
	}
	notes, err := w.Close()
	if err == nil {
		err = out.Flush()
	}
	for _, p := range know.Problems() {
		a.warn("%v", p)
	}
	for _, note := range notes {
		a.note("%s", note)
	}
	if len(others) > 0 {
		more := ""
		if len(others) > maxOthers {
			more = ", …"
		}
		a.note("%s without a rule: %s%s", count(len(others), "file"), strings.Join(others[:min(len(others), maxOthers)], ", "), more)
	}
	a.note("%s checked, %d would not run", count(n, "rule"), bad)
	return err
}

func ruleRow(r *splrule.Rule, fault error) *vector.Batch {
	reason := ""
	if fault != nil {
		reason = diag.Printable(fault.Error())
	}
	b := vector.NewBuilder(ruleColumns...)
	b.Add()
	for i, text := range []string{r.File, r.ID, r.Name, string(r.Kind), strconv.FormatBool(fault == nil), reason} {
		b.SetAt(i, vector.String(text))
	}
	return b.Batch()
}
