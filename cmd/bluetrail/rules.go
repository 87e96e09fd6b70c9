package main

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/diag"
	"bluetrail/internal/enrich"
	"bluetrail/internal/result"
	"bluetrail/internal/vector"
)

type rulesCmd struct {
	List     rulesListCmd     `cmd:"" help:"List rules and the ATT&CK techniques that they cover."`
	Test     rulesTestCmd     `cmd:"" help:"Run the tests of rules."`
	Show     rulesShowCmd     `cmd:"" help:"Show a rule: what is known about it, and its text."`
	Explain  rulesExplainCmd  `cmd:"" help:"Explain why a rule fires on an event, or does not."`
	Backtest rulesBacktestCmd `cmd:"" help:"Run one rule over past events and count how often it would have fired, on what."`
	Tune     rulesTuneCmd     `cmd:"" help:"Propose a filter that keeps the false findings of a rule away, and show what it would also hide."`
	State    rulesStateCmd    `cmd:"" help:"Show what rules know of past events, and correct what first_seen rules remember."`
	Check    rulesCheckCmd    `cmd:"" help:"Report which rules would not run, and why: they do not parse, or a macro, lookup or referred rule is missing."`
}

type rulesCheckCmd struct {
	Dirs      []string `arg:"" name:"dir" help:"Folders or files of rules (.yml, savedsearches.conf). Uses macros/, lookups/ and baselines/ in them or in their parents."`
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
	All       bool     `help:"Also list the rules that would run; -o json and csv always do."`
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
		} else if c.Output == "table" && !c.All {
			return nil
		}
		return w.Write(ruleRow(r, fault))
	}
	for _, file := range slices.Concat(found.Baselines, found.Files) {
		rules, _ := splrule.Load(file) // faults are told below
		for i := range rules {
			check.Keeps(&rules[i])
		}
	}
	sigmaRules := sigmaFiles(found.Files, ruleset.Lists(know))
	var others []string // files without a rule
	said := map[string]bool{}
	for _, file := range found.Files {
		if docs, ok := sigmaRules[file]; ok {
			for i := range docs {
				if err := row(&docs[i].Rule, docs[i].fault); err != nil {
					return err
				}
				for _, w := range docs[i].warnings {
					a.warn("%s:%d: %s", file, docs[i].Line, w)
				}
			}
			continue
		}
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

// sigmaDoc is a document of a Sigma file, with what is wrong with it.
type sigmaDoc struct {
	splrule.Rule
	fault    error
	warnings []string
}

// sigmaFiles reads the Sigma files among some, together: rules of one may refer to
// those of another. Each has its documents in order.
func sigmaFiles(paths []string, lists sigma.Lists) map[string][]sigmaDoc {
	c := sigma.NewCollection(lists)
	docs := map[string][]sigmaDoc{}
	for _, path := range paths {
		data, ok, err := ruleset.ReadSigma(path)
		switch {
		case err != nil:
			docs[path] = []sigmaDoc{{Rule: splrule.Rule{File: path}, fault: err}}
		case ok:
			c.Add(path, data)
			docs[path] = nil
		}
	}
	c.Link()
	add := func(h *sigma.Header, warnings []string) {
		docs[h.File] = append(docs[h.File], sigmaDoc{
			Rule: splrule.Rule{File: h.File, Line: h.Line, ID: h.ID, Name: h.Title, Kind: splrule.Sigma}, warnings: append(warnings, h.Warnings...),
		})
	}
	for _, r := range c.Rules {
		add(&r.Header, r.UnknownFields())
	}
	for _, r := range c.Correlations {
		add(&r.Header, r.UnknownFields())
	}
	for _, f := range c.Filters {
		add(&f.Header, nil)
	}
	for _, o := range c.Others {
		add(&o.Header, []string{"for another log than CloudTrail: " + o.Logsource.String()})
	}
	for _, f := range c.Faults {
		docs[f.File] = append(docs[f.File], sigmaDoc{
			Rule: splrule.Rule{File: f.File, Line: f.Line, Kind: splrule.Sigma}, fault: fmt.Errorf("line %d: %s", f.Line, f.Reason()),
		})
	}
	for _, list := range docs {
		slices.SortStableFunc(list, func(a, b sigmaDoc) int { return cmp.Compare(a.Line, b.Line) })
	}
	return docs
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
