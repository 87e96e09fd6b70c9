package main

import (
	"bufio"
	"fmt"
	"strings"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/diag"
	"bluetrail/rules"
)

type rulesShowCmd struct {
	ID   string   `arg:"" help:"The id, name or title of the rule."`
	Dirs []string `arg:"" optional:"" name:"dir" help:"Folders or files of further rules."`
	ownFlag
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
}

func (*rulesShowCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*rulesShowCmd) Help() string {
	return examples("bluetrail rules show trail_stopped", "bluetrail rules show 'User created' ./rules")
}

// printableLine puts a text into one line.
func printableLine(text string) string {
	return diag.Printable(strings.Join(strings.Fields(text), " "))
}

// oneRule loads rules and finds one of them.
func (a *app) oneRule(ref string, dirs, knowledge []string, data string) (*ruleset.Ruleset, *ruleset.Rule, error) {
	rs, err := a.loadRules(dirs, true, knowledge, data, false)
	if err != nil {
		return nil, nil, err
	}
	i, err := findRule(rs, ref)
	if err != nil {
		return nil, nil, err
	}
	return rs, &rs.Rules[i], nil
}

// findRule returns the position of the rule with an id, name or title.
func findRule(rs *ruleset.Ruleset, ref string) (int, error) {
	if i := rs.Find(ref); i >= 0 {
		return i, nil
	}
	var names []string
	for i := range rs.Rules {
		r := &rs.Rules[i]
		names = append(names, r.ID, r.Title)
		if r.Name != "" {
			names = append(names, r.Name)
		}
	}
	if near := diag.DidYouMean(ref, names); near != "" {
		return 0, usage("there is no rule %q; %s", ref, near)
	}
	faults := ""
	if n := len(rs.Faults); n > 0 {
		faults = fmt.Sprintf("; %s could not be loaded, bluetrail rules test lists them", count(n, "rule"))
	}
	return 0, usage("there is no rule %q among %s; bluetrail rules list names them%s", ref, count(len(rs.Rules), "rule"), faults)
}

func (c *rulesShowCmd) Run(a *app) error {
	_, r, err := a.oneRule(c.ID, c.Dirs, c.Knowledge, a.dataDir(c.Data))
	if err != nil {
		return err
	}
	text, err := r.Text(rules.Files)
	if err != nil {
		return fmt.Errorf("cannot read the rule's text: %w", err)
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	line := func(name string, values ...string) {
		for _, v := range values {
			if v = strings.TrimSpace(v); v != "" {
				fmt.Fprintf(out, "%-15s %s\n", name, printableLine(v))
			}
			name = ""
		}
	}
	line("title", r.Title)
	line("id", r.ID)
	line("name", r.Name)
	line("kind", string(r.Kind))
	line("severity", string(r.Severity))
	line("by class", r.ByClass()...)
	line("inside", string(r.Inside))
	line("status", r.Status)
	line("state", ruleState(r))
	line("tactics", strings.Join(r.Tactics(), ", "))
	line("techniques", strings.Join(r.Mitre(), ", "))
	line("entity", strings.Join(r.Entity, ", "))
	if r.Window > 0 {
		line("window", r.Window.String())
	}
	line("needs", strings.Join(r.Data, ", "))
	line("author", r.Author)
	line("description", r.Description)
	line("false positives", r.FalsePositives...)
	line("misses", r.Misses)
	line("investigate", r.Investigate...)
	line("references", r.References...)
	line("tests", fmt.Sprint(len(r.Tests)))
	line("warnings", r.Warnings...)
	line("file", fmt.Sprintf("%s:%d", r.File, r.Line))
	fmt.Fprintln(out)
	for l := range strings.Lines(text) {
		fmt.Fprintln(out, diag.Printable(strings.TrimRight(l, "\r\n")))
	}
	return out.Flush()
}
