package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/result"
	"bluetrail/internal/search"
	"bluetrail/internal/vector"
)

type showCmd struct {
	EventID []string `arg:"" name:"event-id" help:"The eventID of the event; several are shown in order of time."`
	source
	Output string `short:"o" help:"Output format: list (the fields that matter, then the record), json (all fields) or raw (the record as it was)." enum:"list,json,raw" default:"list"`
}

func (*showCmd) pages() bool { return true }

// Help implements kong.HelpProvider.
func (*showCmd) Help() string {
	return examples(
		"bluetrail show --files ./AWSLogs 5a2d8a1c-2f0e-4f0e-9c2f-3f6a1d0b7e11",
		"bluetrail show 5a2d8a1c-2f0e-4f0e-9c2f-3f6a1d0b7e11 -o raw | jq .requestParameters",
	)
}

func (c *showCmd) home(a *app) string { return c.source.home(a) }

// shownFirst are the fields that stand before the record.
const shownFirst = "_time, eventName, eventSource, errorCode, errorMessage, user, userIdentity.type, userIdentity.arn, actor, actor_chain, sourceIPAddress, userAgent, awsRegion, recipientAccountId, dest, object, source"

func (c *showCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	defer o.Store.Close()
	tests := make([]string, len(c.EventID))
	for i, id := range c.EventID {
		tests[i] = filter.PrintTest("eventID", strings.ReplaceAll(id, "*", `\*`))
	}
	o.Text = "index=* " + "(" + strings.Join(tests, " OR ") + ") | sort 0 _time"
	if c.Output == "list" {
		o.Text += " | fields " + shownFirst + ", _raw"
	}
	rows, err := a.show(o, c.Output)
	if err != nil {
		return err
	}
	switch {
	case rows == 0:
		return errors.New("no event has this eventID; give it whole, without wildcards")
	case rows < len(c.EventID):
		return fmt.Errorf("only %d of %d events found", rows, len(c.EventID))
	}
	return nil
}

// show writes events whole and returns how many there were.
func (a *app) show(o search.Options, format string) (rows int, err error) {
	defer a.limitMemory()()
	s, notices, err := search.Open(a.ctx, o)
	if err != nil {
		a.notices(notices)
		return 0, err
	}
	defer s.Close()
	w, err := result.New(a.out, a.resultOptions(format, s))
	if err != nil {
		return 0, err
	}
	if format == "list" {
		w = &eventWriter{a: a, fields: w}
	}
	if err := a.stream(s, w, func() {}); err != nil {
		return 0, err
	}
	if _, err := w.Close(); err != nil {
		return 0, err
	}
	// Hints on the search would puzzle: the user has not written it.
	a.notices(slices.DeleteFunc(s.Notices(), func(n diag.Notice) bool { return n.Level == diag.Note }))
	a.noteSkipped(s)
	return s.Rows(), nil
}

// eventWriter writes the fields of each event and then its record.
type eventWriter struct {
	a      *app
	fields result.Writer
}

// Write implements result.Writer.
func (w *eventWriter) Write(b *vector.Batch) error {
	for i := range b.Len {
		one := b.Slice(i, i+1)
		raw := ""
		if c := one.Col("_raw"); c != nil {
			raw = c.At(0).Text()
		}
		if err := w.fields.Write(one.Keep(func(name string) bool { return name != "_raw" })); err != nil {
			return err
		}
		for line := range strings.Lines(indented(raw)) {
			if _, err := io.WriteString(w.a.out, diag.Printable(strings.TrimRight(line, "\r\n"))+"\n"); err != nil {
				return err
			}
		}
	}
	return nil
}

// indented writes a record for people; what is no JSON stays as it is.
func indented(raw string) string {
	var text strings.Builder
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if e.Encode(json.RawMessage(raw)) != nil {
		return raw
	}
	return text.String()
}

// Close implements result.Writer.
func (w *eventWriter) Close() ([]string, error) { return w.fields.Close() }
