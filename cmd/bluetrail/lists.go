package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"bluetrail/internal/diag"

	"github.com/dustin/go-humanize"
)

type listsCmd struct {
	Data    string `help:"Data directory, which holds the fetched copies (default: from the configuration)." placeholder:"DIR" env:"BLUETRAIL_DATA"`
	Refresh bool   `help:"Fetch all lists that have a URL now."`
}

// Help is shown below the flags.
func (*listsCmd) Help() string {
	return "Lists of addresses, allow-lists and accounts come from the configuration; see docs/enrichment.md. bluetrail serve fetches lists by itself. " +
		"Other commands use the copies in the data directory, which --refresh renews without a server."
}

// Run prints what is loaded; it fails when a list cannot be used.
func (c *listsCmd) Run(a *app) error {
	l, err := a.loader(c.Data, c.Refresh, nil)
	if err != nil {
		return err
	}
	if c.Refresh && l.Refresh(a.ctx, true) == 0 {
		a.note("no list has a url")
	}
	s, now := l.Status(), time.Now()
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	bad := 0
	if len(s.Lists) > 0 {
		fmt.Fprintln(w, "list\tentries\tage\tstate")
	}
	for _, h := range s.Lists {
		entries, age, state := "", "", "fine"
		if h.List != nil {
			entries, age = humanize.Comma(int64(h.List.Entries)), humanize.RelTime(h.Of, now, "", "")
		}
		text, broken := describe(h, now)
		if broken {
			bad++
			state = "BROKEN"
		} else if h.List == nil {
			state = "not written yet"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", h.Name, entries, age, state)
		if broken || h.List != nil && h.List.Faults.Lines > 0 {
			defer a.warn("%s", text)
		}
	}
	for _, e := range s.Allow {
		state := "holds"
		if e.Expired(now) {
			state = "expired"
		}
		fmt.Fprintf(w, "allow-list\t\t\t%s: %s\n", state, diag.Printable(e.String()))
	}
	if s.Accounts > 0 {
		fmt.Fprintf(w, "accounts\t%s\t\tfine\n", humanize.Comma(int64(s.Accounts)))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range s.Problems {
		bad++
		a.warn("%s %q: %v", p.What, p.Path, p.Err)
	}
	if len(s.Lists)+len(s.Allow)+s.Accounts+len(s.Problems) == 0 {
		a.note("the configuration names no lists, allow-lists or assets; see docs/enrichment.md")
	}
	if bad > 0 {
		return fmt.Errorf("%s found", count(bad, "problem"))
	}
	return nil
}
