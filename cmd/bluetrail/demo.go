package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"bluetrail/internal/auth"
	"bluetrail/internal/generate"
	"bluetrail/internal/guide"
	"bluetrail/internal/ingest"
)

type demoCmd struct {
	Data    string `help:"Folder for the trail and the data directory." default:"bluetrail-demo" placeholder:"DIR"`
	Events  int    `help:"Number of events." default:"100000" placeholder:"N"`
	Seed    uint64 `help:"Seed of the synthetic organization." default:"1" placeholder:"N"`
	Addr    string `help:"Address of the browser application." default:"127.0.0.1:8686" placeholder:"HOST:PORT"`
	NoServe bool   `help:"Exit at the end rather than to serve the browser application."`
}

// demoEnd is when the synthetic trail ends, so that the same seed always shows
// the same.
var demoEnd = time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC)

// data is the data directory of the demonstration.
func (c *demoCmd) data() string {
	return filepath.Join(c.Data, fmt.Sprintf("data-%d-%d", c.Seed, c.Events))
}

func (c *demoCmd) Run(a *app) error {
	if c.Events < generate.MinEvents {
		return usage("--events must be at least %d", generate.MinEvents)
	}
	cfg := generate.Default()
	cfg.Seed, cfg.Events, cfg.End, cfg.Days, cfg.Accounts = c.Seed, c.Events, demoEnd, generate.MinDays, generate.MinAccounts
	trail := a.path(filepath.Join(c.Data, fmt.Sprintf("trail-%d-%d", c.Seed, c.Events)))
	data := a.path(c.data())
	if _, err := os.Stat(filepath.Join(trail, generate.LabelsFile)); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(a.err, "1. generated a synthetic organization with staged attacks: %s\n", trail)
		if err := os.RemoveAll(trail); err != nil { // what an interrupted run left
			return err
		}
		if _, err := a.generate(trail, cfg); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(a.err, "1. using the existing synthetic organization: %s\n", trail)
	}
	fmt.Fprintf(a.err, "\n2. ingested into the embedded store: %s\n", data)
	a.cfg.Outputs, a.cfg.Routes, a.cfg.Maintenance = nil, nil, nil // nobody is to be alarmed
	if err := a.ingest(ingest.Options{Data: data, Paths: []string{filepath.Join(trail, "AWSLogs")}}); err != nil {
		return err
	}
	fmt.Fprintln(a.err, "\n3. running the guide's six searches")
	a.started = time.Now() // the first of them has not taken as long as the ingest
	src := source{Data: data, Now: fmt.Sprint(demoEnd.Unix())}
	st, err := src.store(a, nil)
	if err != nil {
		return err
	}
	defer func() {
		if st != nil {
			st.Close()
		}
	}()
	for _, g := range guide.Searches() {
		fmt.Fprintf(a.out, "\n%s\n%s\n\n", g.Title, g.Why)
		text := g.SPL
		if g.Name == "console-login-without-mfa" {
			// Single sign-on always says MFAUsed=No; people's own logins are what counts.
			text += "\n| search userIdentity.type=IAMUser | table _time, userName, sourceIPAddress, awsRegion"
		}
		o, err := src.bounds(a)
		if err != nil {
			return err
		}
		o.Text, o.Store = text, st
		if err := a.search(o, "table"); err != nil {
			return fmt.Errorf("cannot run the search %q: %w", g.Name, err)
		}
	}
	if err := st.Close(); err != nil {
		return err
	}
	st = nil
	fmt.Fprintln(a.err, "\n4. comparing the alerts with the labels of what was staged")
	told, err := a.tell(trail, data)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	if err := a.writeScorecard("table", told.card, "alert"); err != nil {
		return err
	}
	if err := a.storySummary(told, c.Events); err != nil {
		return err
	}
	return c.serve(a, data)
}

// serve serves what the demo made, or says how to.
func (c *demoCmd) serve(a *app, data string) error {
	switch {
	case a.opened != nil:
		a.note("\na server serves this data already")
		return nil
	case c.NoServe:
		a.note("\nto look at it in a browser: bluetrail demo --data %s --events %d --seed %d", shellWord(c.Data), c.Events, c.Seed)
		return nil
	}
	serve := serveCmd{Data: data, Addr: c.Addr, quiet: true}
	return serve.serve(a, func(ctx context.Context, s *server, url string) (string, error) {
		password, err := s.people.RandomPassword(ctx, auth.FirstAdmin)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("\n5. serving; Ctrl-C ends it\n\n  open      %s\n  name      %s\n  password  %s\n", url, auth.FirstAdmin, password), nil
	})
}
