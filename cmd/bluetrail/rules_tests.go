package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"bluetrail/internal/detect/ruletest"
	"bluetrail/internal/result"
	"bluetrail/rules"
)

type rulesTestCmd struct {
	Dirs []string `arg:"" optional:"" name:"dir" help:"Folders or files of rules. Default: the rules that come with bluetrail, and those written in the browser."`
	ownFlag
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
	Output    string   `short:"o" help:"Output format: table or json." enum:"table,json" default:"table"`
}

// Help implements kong.HelpProvider.
func (*rulesTestCmd) Help() string {
	return "Fails if a test fails or a rule cannot be loaded.\n\n" + examples("bluetrail rules test", "bluetrail rules test ./rules -o json")
}

func (c *rulesTestCmd) Run(a *app) error {
	data := ""
	if len(c.Dirs) == 0 || c.Data != os.Getenv("BLUETRAIL_DATA") { // folders are tested alone unless the flag asks for more
		data = a.dataDir(c.Data)
	}
	rs, err := a.loadRules(c.Dirs, len(c.Dirs) == 0, c.Knowledge, data, false)
	if err != nil {
		return err
	}
	var rows [][]string
	for _, f := range rs.Faults {
		rows = append(rows, []string{f.File, strconv.Itoa(f.Line), "", "", "not loaded", f.Reason})
	}
	tests, failed, untested := 0, 0, 0
	for i := range rs.Rules {
		r := &rs.Rules[i]
		if len(r.Tests) == 0 {
			untested++
			continue
		}
		files, err := r.Files(rules.Files)
		if err != nil {
			return err
		}
		for _, t := range ruletest.Run(a.ctx, rs, i, files) {
			tests++
			verdict, reason := "passed", ""
			if !t.Passed() {
				failed++
				verdict, reason = "failed", whyFailed(&t)
			}
			rows = append(rows, []string{r.File, strconv.Itoa(t.Line), r.ID, t.Name, verdict, reason})
		}
		if a.ctx.Err() != nil {
			return a.ctx.Err()
		}
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	o := result.Options{Format: c.Output, Width: a.outTerm.Width, Zone: a.zone(), Terminal: a.outTerm.TTY, Colour: a.outTerm.Colour}
	if err := a.textRows(out, o, []string{"file", "line", "id", "test", "result", "reason"}, rows); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	a.note("%s of %s: %d passed, %d failed", count(tests, "test"), count(len(rs.Rules)-untested, "rule"), tests-failed, failed)
	if untested > 0 {
		a.note("%s without tests", count(untested, "rule"))
	}
	var bad []string
	if failed > 0 {
		bad = append(bad, count(failed, "test")+" failed")
	}
	if n := len(rs.Faults); n > 0 {
		bad = append(bad, count(n, "rule")+" could not be loaded")
	}
	if len(bad) > 0 {
		return errors.New(strings.Join(bad, ", "))
	}
	return nil
}

func whyFailed(t *ruletest.Result) string {
	switch {
	case t.Err != nil:
		return fmt.Sprint(t.Err)
	case t.Want:
		return "the rule must fire and does not"
	}
	return "the rule fires and must not"
}
