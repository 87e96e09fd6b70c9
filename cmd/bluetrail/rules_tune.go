package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/hunt"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/tune"
	"bluetrail/internal/state"
	"bluetrail/internal/store"
)

type rulesTuneCmd struct {
	ID        string   `arg:"" name:"rule" help:"The id, name or title of a Sigma rule, or its file."`
	False     []string `help:"File of findings that were harmless, as hunt -o json writes them, in addition to those marked false in the data directory, which count only without PATH; repeatable." placeholder:"FILE"`
	True      []string `help:"File of findings that the filter must not hide; repeatable." placeholder:"FILE"`
	Rules     []string `help:"Folder or file of further rules and filters; repeatable." placeholder:"DIR"`
	NoShipped bool     `help:"Leave out the rules that come with bluetrail."`
	input
	Output string `short:"o" help:"Output format: yaml (a filter to save, with comments that list what else it would hide) or json." enum:"yaml,json" default:"yaml"`
}

// Help implements kong.HelpProvider.
func (*rulesTuneCmd) Help() string {
	return "Looks for what the events of the false findings have in common and others do not, and tries the filter before it proposes it.\n" +
		"Exit code 1: there is no safe filter.\n\n" + examples(
		"bluetrail findings mark 5f0c1d 9a77e2 --as false && bluetrail rules tune 'User created' > rules/exception.yml",
		"bluetrail hunt ./AWSLogs -o json | grep terraform > false.jsonl && bluetrail rules tune 'User created' --false false.jsonl ./AWSLogs",
	)
}

func (c *rulesTuneCmd) Run(a *app) error {
	rs, at, err := a.ruleAt(c.ID, c.Rules, !c.NoShipped, c.Knowledge, c.home(a))
	if err != nil {
		return err
	}
	r := &rs.Rules[at]
	o := tune.Options{Rules: rs, Position: at}
	if o.False, o.True, err = c.marked(a, r.ID); err != nil {
		return err
	}
	if len(o.False) == 0 {
		if len(c.Files) > 0 {
			return usage("no finding of %q is known to be false; name a file of findings with --false FILE", r.Title)
		}
		return usage("no finding of %q is marked false; mark some with: bluetrail findings mark ID --as false", r.Title)
	}
	bad := map[string]bool{}
	for _, m := range o.False {
		bad[m.ID] = true
	}
	for _, m := range o.True {
		if bad[m.ID] {
			return usage("finding %s is marked false and true", m.ID)
		}
	}
	var last *hunt.Result
	var st store.Stats
	o.Hunt = func(rs *ruleset.Ruleset, change func(*hunt.Options)) (*hunt.Result, error) {
		h, err := c.hunting(a, rs)
		if err != nil {
			return nil, err
		}
		defer h.close()
		change(&h.Options)
		stop := h.meter(a)
		res, err := hunt.Run(a.ctx, h.Options)
		stop()
		last, st = res, h.stats()
		return res, err
	}
	o.Reload = func(filter string) (*ruleset.Ruleset, error) { return c.reload(a, filter) }
	res, err := tune.Run(o)
	if errors.Is(err, tune.ErrSearch) {
		return usage("cannot tune %q: %w", r.Title, err)
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	if c.Output == "json" {
		err = tuneJSON(out, res)
	} else {
		err = c.yaml(a, out, res)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	a.huntProblems(last, st)
	for _, w := range res.Warnings {
		a.warn("%s", w)
	}
	a.note("%d of %s covered, %d of %s touched, from %s", res.Covered, count(res.False, "false finding"), len(res.Hides), count(res.Others, "other finding"), a.huntRead(last, st))
	if res.Filter == nil {
		return fmt.Errorf("there is no safe filter: %s", res.Why)
	}
	return nil
}

// reload loads the rules once more, with a filter.
func (c *rulesTuneCmd) reload(a *app, filter string) (*ruleset.Ruleset, error) {
	dir, err := os.MkdirTemp(a.cfg.Search.TempDir, "bluetrail-tune-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "filter.yml")
	if err := os.WriteFile(file, []byte(filter), 0o600); err != nil {
		return nil, err
	}
	dirs := slices.Clone(a.withFile(c.ID, c.Rules))
	rs, err := a.ruleset(append(dirs, file), !c.NoShipped, c.Knowledge, c.home(a))
	if err != nil {
		return nil, err
	}
	for _, f := range rs.Faults {
		if f.File == file {
			return nil, fmt.Errorf("cannot load the filter: %s", f.Reason)
		}
	}
	return rs, nil
}

// marked returns the findings of a rule that are marked, in files and in the state.
func (c *rulesTuneCmd) marked(a *app, rule string) (bad, good []tune.Marked, err error) {
	for _, list := range []struct {
		files []string
		to    *[]tune.Marked
	}{{c.False, &bad}, {c.True, &good}} {
		for _, file := range list.files {
			some, err := readMarked(a.path(file), rule)
			if err != nil {
				return nil, nil, err
			}
			if len(some) == 0 {
				a.warn("%s has no finding of the rule %s", file, rule)
			}
			*list.to = append(*list.to, some...)
		}
	}
	if len(c.Files) > 0 {
		return bad, good, nil
	}
	db, release, err := a.findings(a.dataDir(c.Data))
	if err != nil {
		return nil, nil, err
	}
	defer release()
	err = db.Findings(a.ctx, state.FindingQuery{Earliest: math.MinInt64, Latest: math.MaxInt64}, func(s *state.Finding) error {
		if s.Rule != rule || s.Status == state.StatusOpen {
			return nil
		}
		f, _, err := readFinding(s)
		if err != nil {
			return err
		}
		m := tune.Marked{ID: f.ID, RuleID: f.RuleID, EventIDs: f.EventIDs}
		if s.Status == state.StatusFalse {
			bad = append(bad, m)
		} else {
			good = append(good, m)
		}
		return nil
	})
	return bad, good, err
}

// Bounds of files of findings.
const (
	maxMarked     = 100_000
	maxMarkedLine = 16 << 20
)

// readMarked reads the findings of a rule from a file with one in each line.
func readMarked(path, rule string) (list []tune.Marked, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usage("cannot read findings: %w", err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Buffer(nil, maxMarkedLine)
	for n := 1; in.Scan(); n++ {
		text := strings.TrimSpace(in.Text())
		if text == "" {
			continue
		}
		var m tune.Marked
		if err := json.Unmarshal([]byte(text), &m); err != nil || m.ID == "" {
			return nil, usage("%s:%d: expected a finding as hunt -o json writes them", path, n)
		}
		if m.RuleID != rule {
			continue
		}
		if len(list) == maxMarked {
			return nil, usage("%s has more than %d findings of the rule; some dozens are enough", path, maxMarked)
		}
		list = append(list, m)
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("cannot read findings from %s: %w", path, err)
	}
	return list, nil
}

// mostHidden is how many findings the comments list.
const mostHidden = 50

// yaml writes the filter, and in comments what else it would hide. Comments hold texts of
// the trail: each is one printable line.
func (c *rulesTuneCmd) yaml(a *app, out *bufio.Writer, r *tune.Result) error {
	comment := func(format string, args ...any) {
		fmt.Fprintf(out, "# %s\n", printableLine(fmt.Sprintf(format, args...)))
	}
	if r.Filter != nil {
		out.WriteString(r.Filter.YAML())
		comment("covers %d of %s marked false", r.Covered, count(r.False, "finding"))
		for _, w := range r.Warnings {
			comment("warning: %s", w)
		}
	} else {
		comment("no safe filter: %s", r.Why)
	}
	if len(r.Hides) == 0 {
		comment("hides none of %s", count(r.Others, "other finding"))
	} else if r.Filter != nil {
		comment("also hides, of %s:", count(r.Others, "other finding"))
	} else {
		comment("the best one would also hide, of %s:", count(r.Others, "other finding"))
	}
	for i, h := range r.Hides {
		if i == mostHidden {
			comment("  and %d more", len(r.Hides)-i)
			break
		}
		comment("- %s %s (%s) %d of %s: %s", timeText(h.Time, a.zone()), h.ID, h.Status, h.Count-h.Left, count(int(h.Count), "event"), h.Message)
	}
	for i, f := range r.Appears {
		if i == mostHidden {
			comment("  and %d more", len(r.Appears)-i)
			break
		}
		comment("+ %s %s appears: %s", timeText(f.Time, a.zone()), f.ID, f.Message)
	}
	return nil
}

// hiddenJSON is a finding that a filter would hide.
type hiddenJSON struct {
	*finding.Finding
	Status string `json:"status"`
	Left   int64  `json:"events_left"`
}

func tuneJSON(out *bufio.Writer, r *tune.Result) error {
	v := struct {
		Filter   *string            `json:"filter"` // YAML
		Why      string             `json:"why,omitempty"`
		Warnings []string           `json:"warnings"`
		False    int                `json:"false_findings"`
		Covered  int                `json:"covered"`
		Others   int                `json:"other_findings"`
		Hides    []hiddenJSON       `json:"hides"`
		Appears  []*finding.Finding `json:"appears"`
	}{nil, r.Why, append([]string{}, r.Warnings...), r.False, r.Covered, r.Others, []hiddenJSON{}, append([]*finding.Finding{}, r.Appears...)}
	if r.Filter != nil {
		text := r.Filter.YAML()
		v.Filter = &text
	}
	for _, h := range r.Hides {
		v.Hides = append(v.Hides, hiddenJSON{h.Finding, h.Status, h.Left})
	}
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return writeJSON(out, body)
}
