package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/enrich"
	"bluetrail/internal/enrich/list"
	"bluetrail/internal/enrich/load"
	"bluetrail/internal/serve"

	"github.com/alecthomas/kong"
	"github.com/dustin/go-humanize"
)

// listsDir is the folder in a data directory for the last good copies of lists.
const listsDir = "lists"

// dataFlag returns the data directory that a command line names, "" if none.
func dataFlag(k *kong.Context) string {
	for _, f := range k.Flags() {
		if f.Name == "data" {
			return f.Target.String()
		}
	}
	return ""
}

// enrich makes the fields of events say what the configuration knows of addresses and
// accounts. data is the data directory as dataDir takes it.
func (a *app) enrich(verb any, data string) error {
	switch verb.(type) {
	case *doctorCmd, *listsCmd, *serveCmd: // they look at it themselves
		return nil
	}
	c := &a.cfg
	if len(c.Network)+len(c.GeoIP)+len(c.Lists)+len(c.Allow)+len(c.AllowFiles)+len(c.Assets) == 0 && !exists(suppressions(a.path(a.dataDir(data)))) {
		return nil
	}
	l, err := a.loader(data, false, nil)
	if err != nil {
		return err
	}
	for _, h := range l.Status().Lists {
		if h.Err != nil && h.List == nil && h.Lookup == "" {
			a.warn("list %q cannot be used: %v", h.Name, h.Err)
		}
	}
	for _, p := range l.Status().Problems {
		a.warn("%s %q: %v", p.What, p.Path, p.Err)
	}
	enrich.Use(l.Facts())
	return nil
}

// suppressions is the allow-list of a data directory that is made in the browser.
func suppressions(data string) string { return filepath.Join(data, "suppressions.yml") }

// loader opens what the configuration says of addresses and accounts.
func (a *app) loader(data string, write bool, log *slog.Logger) (*load.Loader, error) {
	return load.New(load.Config{
		Config: a.cfg, Path: a.path, Dir: filepath.Join(a.path(a.dataDir(data)), listsDir), Own: suppressions(a.path(a.dataDir(data))), Write: write, Log: log,
		Geo: func() (*enrich.Geo, error) { return a.shares.geo(a.cfg.GeoIP) },
		Table: func(lookup string) (string, error) {
			know, err := a.knowledge(data, nil)
			if err != nil {
				return "", err
			}
			_, path, err := know.List(lookup)
			return path, err
		},
	})
}

// enrichment is the part of a server that keeps lists, allow-lists and accounts current.
func (s *server) enrichment(in *app) serve.Part {
	var l *load.Loader
	return serve.Part{
		Name: "enrichment",
		Start: func(context.Context) (err error) {
			if l, err = in.loader(s.data, true, s.log); err != nil {
				return err
			}
			s.lists = l
			l.Measure(s.metrics)
			enrich.Use(l.Facts())
			return nil
		},
		Run: func(ctx context.Context) error { return l.Run(ctx) },
	}
}

// allowed returns the entry of an allow-list that holds for a finding, in words, "" if
// none does. An entry must cover everybody that the finding is about.
func allowed(f *finding.Finding, r *rule.Info) string {
	list := enrich.Current().Allow
	if len(list) == 0 {
		return ""
	}
	names := []string{f.RuleID, f.Rule, f.Title}
	if r != nil {
		names = append(names, r.Name)
	}
	actors, addresses := f.Actor, f.SourceIP
	if f.More["actor"] > 0 {
		actors = nil // not all of them are known
	}
	if f.More["source_ip"] > 0 {
		addresses = nil
	}
	if a := list.For(actors, addresses, names, f.Last); a != nil {
		return a.String()
	}
	return ""
}

// networks describes the databases of networks, and returns how many cannot be used.
func (c *doctorCmd) networks(a *app, line func(what, format string, args ...any)) (broken int) {
	networks, err := enrich.OpenNetworks(a.cfg.Network)
	if err != nil {
		line("networks", "BROKEN: %v", err)
		return 1
	}
	defer networks.Close()
	for _, d := range networks.Databases() {
		text := d.Path + ": " + d.Type + " of " + d.Built.Format("2006-01-02")
		if d.Err != nil {
			broken++
			line("networks", "BROKEN: %s: %v", text, d.Err)
			continue
		}
		line("networks", "%s", text)
	}
	line("networks", "kinds reviewed %s", enrich.CuratedDate())
	return broken
}

// enrichment describes lists, allow-lists and accounts, and returns how many problems
// there are.
func (c *doctorCmd) enrichment(a *app, line func(what, format string, args ...any)) (broken int) {
	l, err := a.loader(c.Data, false, nil)
	if err != nil {
		line("enrichment", "BROKEN: %v", err)
		return 1
	}
	s, now := l.Status(), time.Now()
	for _, h := range s.Lists {
		text, bad := describe(h, now)
		if bad {
			broken++
			text = "BROKEN: " + text
		}
		line("list", "%s", text)
	}
	expired, forever := 0, 0
	for _, e := range s.Allow {
		switch {
		case e.Expired(now):
			expired++
			line("allow-list", "expired, holds no longer: %s", e)
		case e.Expires.IsZero():
			forever++
		}
	}
	if len(s.Allow) > 0 {
		line("allow-list", "%s, %d expired, %d without an end", entryCount(len(s.Allow)), expired, forever)
	}
	if s.Accounts > 0 {
		line("accounts", "%s described", count(s.Accounts, "account"))
	}
	for _, p := range s.Problems {
		broken++
		line(p.What, "BROKEN: %s: %v", p.Path, p.Err)
	}
	return broken
}

func entryCount(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return humanize.Comma(int64(n)) + " entries"
}

// describe says in words how a list is, and whether somebody should look after it.
func describe(h *list.Held, now time.Time) (text string, bad bool) {
	var b strings.Builder
	from := h.File
	switch {
	case h.URL != "":
		from = "a URL"
	case h.Lookup != "":
		from = "lookup " + h.Lookup
	}
	fmt.Fprintf(&b, "%s, from %s: ", h.Name, from)
	if h.List == nil {
		if h.Lookup != "" {
			b.WriteString("not written yet")
			return b.String(), false
		}
		fmt.Fprintf(&b, "%v", h.Err)
		return b.String(), true
	}
	fmt.Fprintf(&b, "%s of %s", entryCount(h.List.Entries), humanize.RelTime(h.Of, now, "ago", "from now"))
	if h.URL != "" {
		b.WriteString(", asked " + humanize.RelTime(h.Checked, now, "ago", "from now"))
	}
	if h.List.Expired > 0 {
		fmt.Fprintf(&b, ", %d expired", h.List.Expired)
	}
	if h.List.Others > 0 {
		fmt.Fprintf(&b, ", %d about other things", h.List.Others)
	}
	if err := h.List.Faults.Err(); err != nil {
		fmt.Fprintf(&b, "; %v", err)
	}
	if h.Stale(now) {
		b.WriteString("; stale")
		bad = true
	}
	if h.Err != nil {
		bad = true
		if h.Kept {
			fmt.Fprintf(&b, "; this is the last good copy: %v", h.Err)
		} else {
			fmt.Fprintf(&b, "; %v", h.Err)
		}
	}
	return b.String(), bad
}
