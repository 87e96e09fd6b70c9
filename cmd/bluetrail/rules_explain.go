package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/source/file"
)

type rulesExplainCmd struct {
	ID    string   `arg:"" help:"The id, name or title of an event rule."`
	Event string   `arg:"" help:"File with one or more records in any format that searches read, or - for standard input."`
	Dirs  []string `arg:"" optional:"" name:"dir" help:"Folders or files of further rules."`
	ownFlag
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
	Output    string   `short:"o" help:"Output format: tree or json." enum:"tree,json" default:"tree"`
}

func (*rulesExplainCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*rulesExplainCmd) Help() string {
	return "The tree has a line for each part of the rule: + if it holds, - if it does not, and in brackets what the event has.\n\n" + examples(
		"bluetrail rules explain trail_stopped event.json",
		"bluetrail show --files ./AWSLogs 5a2d8a1c-2f0e-4f0e-9c2f-3f6a1d0b7e11 -o raw | bluetrail rules explain trail_stopped -",
	)
}

// maxExplained is how many events are explained at once.
const maxExplained = 20

func (c *rulesExplainCmd) Run(a *app) error {
	rs, r, err := a.oneRule(c.ID, c.Dirs, c.Knowledge, a.dataDir(c.Data))
	if err != nil {
		return err
	}
	if r.Event == nil {
		return cannotExplain(rs, r)
	}
	var next func() (event.Record, error)
	if c.Event == "-" {
		next = event.NewDecoder(os.Stdin, event.Limits{}).Next
	} else {
		info, err := os.Stat(a.path(c.Event))
		if err == nil && info.IsDir() {
			err = errors.New("it is a folder; give a file")
		}
		if err != nil {
			return usage("cannot read %s: %s", c.Event, file.Reason(err))
		}
		in, err := file.Open(file.File{Path: a.path(c.Event), Size: info.Size()}, file.DefaultLimits(), nil)
		if err != nil {
			return fmt.Errorf("cannot read %s: %s", c.Event, file.Reason(err))
		}
		defer in.Close()
		next = in.Next
	}
	out := bufio.NewWriterSize(a.out, 64<<10)
	n, err := c.each(a, out, r.Event, next)
	if err != nil && a.ctx.Err() == nil {
		err = fmt.Errorf("cannot read %s: %w", c.Event, err)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err == nil && n == 0 {
		err = fmt.Errorf("there is no event in %s", c.Event)
	}
	return err
}

// cannotExplain says what to do about a rule of another kind.
func cannotExplain(rs *ruleset.Ruleset, r *ruleset.Rule) error {
	if r.Correlation == nil {
		return usage("%q is a search; bluetrail spl explain shows how it runs", r.Title)
	}
	var names []string
	for _, ref := range r.Correlation.Rules {
		names = append(names, fmt.Sprintf("%q", rs.Rules[rs.Position(ref)].Title))
	}
	return usage("%q looks at several events; explain one of its rules: %s", r.Title, strings.Join(names, ", "))
}

// each explains the first events and returns how many.
func (c *rulesExplainCmd) each(a *app, out *bufio.Writer, r *sigma.Rule, next func() (event.Record, error)) (n int, err error) {
	for a.ctx.Err() == nil {
		rec, err := next()
		var broken *event.RecordError
		switch {
		case err == io.EOF:
			return n, nil
		case errors.As(err, &broken):
			a.partly = true
			a.warn("%s: %v", c.Event, err)
			continue
		case err != nil:
			return n, err
		case rec.Kind != event.Event || len(rec.Raw) == 0 || rec.Raw[0] != '{' || !json.Valid(rec.Raw):
			a.partly = true
			a.warn("left out what is not an event")
			continue
		case n == maxExplained:
			a.note("only the first %d events are explained", maxExplained)
			return n, nil
		}
		if err := c.one(out, n, r, rec.Raw); err != nil {
			return n, err
		}
		n++
	}
	return n, a.ctx.Err()
}

func (c *rulesExplainCmd) one(out *bufio.Writer, n int, r *sigma.Rule, raw []byte) error {
	var head struct {
		Time   any `json:"eventTime"`
		ID     any `json:"eventID"`
		Name   any `json:"eventName"`
		Source any `json:"eventSource"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return err
	}
	why := sigma.Explain(r, raw)
	if c.Output == "json" {
		body, err := json.Marshal(struct {
			ID   any `json:"event_id"`
			Name any `json:"event_name"`
			*sigma.Explanation
		}{head.ID, head.Name, why})
		if err != nil {
			return err
		}
		return writeJSON(out, body)
	}
	if n > 0 {
		fmt.Fprintln(out)
	}
	verdict := "does not fire"
	if why.Fires {
		verdict = "fires"
	}
	var parts []string
	for _, v := range []any{head.Time, head.Source, head.Name, head.ID} {
		if text, ok := v.(string); ok && text != "" {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		parts = []string{fmt.Sprintf("event %d", n+1)}
	}
	fmt.Fprintf(out, "%s: the rule %s\n", diag.Printable(strings.Join(parts, " ")), verdict)
	_, err := out.WriteString(why.String())
	return err
}
