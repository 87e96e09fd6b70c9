package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"bluetrail/internal/diag"
	"bluetrail/internal/plan"
	"bluetrail/internal/search"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/store/vlogs"
)

type splCmd struct {
	Check    splCheckCmd    `cmd:"" help:"Check a search without running it; - reads searches from stdin, one per line or separated by blank lines."`
	Explain  splExplainCmd  `cmd:"" help:"Show how a search would run: what the store answers and what runs above it."`
	Commands splCommandsCmd `cmd:"" help:"List the commands, functions and aggregates, or describe one."`
}

type splCheckCmd struct {
	Search    string   `arg:"" help:"The search, or - for stdin."`
	Knowledge []string `help:"Folder of macros and lookups; repeatable." placeholder:"DIR"`
}

func (c *splCheckCmd) Run(a *app) error {
	know, err := a.knowledge("", c.Knowledge)
	if err != nil {
		return err
	}
	if c.Search != "-" {
		q, err := checked(c.Search, know)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, q)
		return err
	}
	text, err := io.ReadAll(io.LimitReader(os.Stdin, maxSearches+1))
	if err != nil {
		return fmt.Errorf("cannot read stdin: %w", err)
	}
	if len(text) > maxSearches {
		return usage("more than %d bytes of searches; check them in parts", maxSearches)
	}
	list := listed(string(text), func(text string) bool { _, err := plan.Parse(text, know); return err == nil })
	bad := 0
	for _, l := range list {
		if _, err := checked(l.text, know); err != nil {
			bad++
			fmt.Fprintf(a.out, "line %d: ", l.line)
			var place *diag.Error
			if errors.As(err, &place) {
				fmt.Fprint(a.out, place.Underlined())
			} else {
				fmt.Fprintln(a.out, "error:", diag.Printable(err.Error()))
			}
			continue
		}
		fmt.Fprintf(a.out, "line %d: ok\n", l.line)
	}
	if bad > 0 {
		return usage("%d of %d searches cannot be read", bad, len(list))
	}
	return nil
}

// checked reads a search and looks at what would only show when it runs.
func checked(text string, m syntax.Macros) (*syntax.Query, error) {
	q, err := plan.Parse(text, m)
	if err == nil {
		err = syntax.Check(q)
	}
	return q, err
}

// maxSearches bounds the text that spl check reads, in bytes.
const maxSearches = 16 << 20

// listedSearch is a search in a file of them, with its first line.
type listedSearch struct {
	line int
	text string
}

// listed cuts a file into searches. Blank lines end a search. A block of lines
// that is not one good search is taken as one search a line, where some of them
// are good; lines that begin with white space belong to the one before, and
// those that begin with a pipe where the first line of the block does not.
func listed(text string, good func(string) bool) (list []listedSearch) {
	var block []string
	at := 1
	end := func() {
		whole := strings.Join(block, "\n")
		var single []listedSearch
		some := false
		if len(block) > 1 && !good(whole) {
			piped := block[0][0] == '|'
			for i, line := range block {
				if i > 0 && (line[0] == ' ' || line[0] == '\t' || line[0] == '|' && !piped) {
					single[len(single)-1].text += "\n" + line
					continue
				}
				single = append(single, listedSearch{at + i, line})
			}
			for _, s := range single {
				some = some || good(s.text)
			}
		}
		switch {
		case some:
			list = append(list, single...)
		case len(block) > 0:
			list = append(list, listedSearch{at, whole})
		}
		block = nil
	}
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) == "" {
			end()
			continue
		}
		if len(block) == 0 {
			at = n
		}
		block = append(block, line)
	}
	end()
	return list
}

type splExplainCmd struct {
	Search string `arg:"" help:"The search; @FILE reads it from a file, - from standard input."`
	source
}

// AfterApply reads the search where the user has it.
func (c *splExplainCmd) AfterApply() error {
	var err error
	c.Search, err = searchText(c.Search)
	return errors.Join(err, c.source.AfterApply())
}

func (c *splExplainCmd) Run(a *app) error {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	if _, none := o.Store.(absent); none && c.Data == "" { // as it would run once there is one
		dir, err := os.MkdirTemp("", "bluetrail-explain-")
		if err != nil {
			return fmt.Errorf("cannot create an empty store: %w", err)
		}
		defer os.RemoveAll(dir)
		if o.Store, err = vlogs.Open(dir, vlogs.Options{}); err != nil {
			return err
		}
	}
	defer o.Store.Close()
	o.Text = c.Search
	s, _, err := search.Open(a.ctx, o)
	if err != nil {
		return err
	}
	defer s.Close()
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, step := range s.Steps() {
		fmt.Fprintf(w, "%s\t%s\n", step.Where, diag.Printable(step.What))
	}
	return w.Flush()
}

type splCommandsCmd struct {
	Name string `arg:"" optional:"" help:"A command, function or aggregate; eval lists the functions, stats the aggregates."`
}

func (*splCommandsCmd) pages() bool { return true }

func (c *splCommandsCmd) Run(a *app) error {
	if c.Name != "" {
		return a.describe(c.Name)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, d := range syntax.Commands() {
		fmt.Fprintf(w, "%s\t%s\n", strings.Join(append([]string{d.Name}, d.Aliases...), ", "), d.Summary)
	}
	fmt.Fprintf(w, "\nKnown but not supported:\n")
	for _, u := range syntax.UnsupportedCommands() {
		fmt.Fprintf(w, "%s\t%s.\n", u.Name, u)
	}
	return w.Flush()
}

func (a *app) describe(name string) error {
	found := false
	for _, page := range []string{syntax.CommandPage(name), syntax.FunctionPage(name), syntax.AggregatePage(name)} {
		if page != "" {
			if found {
				fmt.Fprintln(a.out)
			}
			found = true
			if a.outTerm.TTY {
				page = plainPage(page, a.outTerm.Width, a.outTerm.Colour)
			}
			fmt.Fprint(a.out, page)
		}
	}
	if u, ok := syntax.LookupUnsupported(name); ok {
		found = true
		fmt.Fprintf(a.out, "%s is known but not supported: %s.\n", u.Name, u)
	}
	if !found {
		known := syntax.Names()
		if hint := diag.DidYouMean(name, known); hint != "" {
			return usage("there is no command, function or aggregate %q; %s", name, hint)
		}
		return usage("there is no command, function or aggregate %q; bluetrail spl commands lists them", name)
	}
	return nil
}
