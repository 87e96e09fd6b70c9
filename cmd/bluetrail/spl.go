package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"text/tabwriter"

	"bluetrail/internal/diag"
	"bluetrail/internal/plan"
	"bluetrail/internal/spl"
)

type splCmd struct {
	Check    splCheckCmd    `cmd:"" help:"Check a search without running it; - reads searches from stdin, separated by blank lines."`
	Explain  splExplainCmd  `cmd:"" help:"Show how a search would run: what the store answers and what runs above it."`
	Commands splCommandsCmd `cmd:"" help:"List the commands, functions and aggregates, or describe one."`
}

type splCheckCmd struct {
	Search    string   `arg:"" help:"The search, or - for stdin."`
	Knowledge []string `help:"Folder of macros and lookups; may be repeated." placeholder:"DIR"`
}

func (c *splCheckCmd) Run(a *app) error {
	know, err := a.knowledge(c.Knowledge)
	if err != nil {
		return err
	}
	if c.Search != "-" {
		q, err := plan.Parse(c.Search, know)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(a.out, q)
		return err
	}
	bad, n := 0, 0
	for line, text := range paragraphs(os.Stdin) {
		n++
		if _, err := plan.Parse(text, know); err != nil {
			bad++
			fmt.Fprintf(a.out, "line %d: ", line)
			var place *diag.Error
			if errors.As(err, &place) {
				fmt.Fprint(a.out, place.Underlined())
			} else {
				fmt.Fprintln(a.out, "error:", diag.Printable(err.Error()))
			}
			continue
		}
		fmt.Fprintf(a.out, "line %d: ok\n", line)
	}
	if bad > 0 {
		return usage("%d of %d searches cannot be read", bad, n)
	}
	return nil
}

// paragraphs yields the blocks of r between blank lines, each with the number
// of its first line.
func paragraphs(r io.Reader) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, spl.MaxText)
		var cur []string
		n := 0
		for lines.Scan() {
			n++
			if strings.TrimSpace(lines.Text()) != "" {
				cur = append(cur, lines.Text())
				continue
			}
			if len(cur) > 0 && !yield(n-len(cur), strings.Join(cur, "\n")) {
				return
			}
			cur = nil
		}
		if len(cur) > 0 {
			yield(n-len(cur)+1, strings.Join(cur, "\n"))
		}
	}
}

type splExplainCmd struct {
	Search string `arg:"" help:"The search."`
	source
}

func (c *splExplainCmd) Run(a *app) error {
	st, env, err := c.open(a)
	if err != nil {
		return err
	}
	defer st.Close()
	q, err := plan.Parse(c.Search, env.Macros)
	if err != nil {
		return err
	}
	s, err := plan.Open(a.ctx, q, st, env)
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

func (c *splCommandsCmd) Run(a *app) error {
	if c.Name != "" {
		return a.describe(c.Name)
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, d := range spl.Commands() {
		fmt.Fprintf(w, "%s\t%s\n", strings.Join(append([]string{d.Name}, d.Aliases...), ", "), d.Summary)
	}
	fmt.Fprintf(w, "\nKnown, not supported:\n")
	for _, u := range spl.UnsupportedCommands() {
		fmt.Fprintf(w, "%s\t%s.\n", u.Name, u)
	}
	return w.Flush()
}

func (a *app) describe(name string) error {
	found := false
	for _, page := range []string{spl.CommandPage(name), spl.FunctionPage(name), spl.AggregatePage(name)} {
		if page != "" {
			if found {
				fmt.Fprintln(a.out)
			}
			found = true
			fmt.Fprint(a.out, page)
		}
	}
	if u, ok := spl.LookupUnsupported(name); ok {
		found = true
		fmt.Fprintf(a.out, "%s is known, not supported: %s.\n", u.Name, u)
	}
	if !found {
		known := spl.Names()
		if hint := diag.DidYouMean(name, known); hint != "" {
			return usage("there is no command, function or aggregate %q; %s", name, hint)
		}
		return usage("there is no command, function or aggregate %q; bluetrail spl commands lists them", name)
	}
	return nil
}
