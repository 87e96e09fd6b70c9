package main

import (
	"errors"
	"strings"
	"time"

	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/control"
	"bluetrail/internal/diag"
	"bluetrail/internal/incident"
	"bluetrail/internal/search"
	"bluetrail/internal/vector"
)

type exportCmd struct {
	Search   string       `arg:"" help:"The search for the events; @FILE reads it from a file, - from standard input."`
	Evidence control.Path `required:"" help:"Directory to write the evidence to; it must not exist, or be empty." placeholder:"DIR"`
	source
}

// Help implements kong.HelpProvider.
func (*exportCmd) Help() string {
	return "Write the matching records byte for byte, with a manifest and SHA256SUMS.\n\n" + examples(
		"bluetrail export --evidence ./case-42 --files ./AWSLogs 'userIdentity.accessKeyId=AKIAIOSFODNN7EXAMPLE'",
		"cd ./case-42 && sha256sum -c SHA256SUMS",
	)
}

// AfterApply reads the search where the user has it.
func (c *exportCmd) AfterApply() error {
	var err error
	c.Search, err = searchText(c.Search)
	return errors.Join(err, c.source.AfterApply())
}

func (c *exportCmd) home(a *app) string { return c.source.home(a) }

func (c *exportCmd) Run(a *app) (err error) {
	o, err := c.options(a)
	if err != nil {
		return err
	}
	defer o.Store.Close()
	if c.DryRun {
		for _, o.Text = range []string{c.Search, incident.CoverageSearch} {
			if err := a.collect(o, func(*vector.Batch) {}); err != nil {
				return err
			}
		}
		return nil
	}
	e, err := incident.NewEvidence(a.path(string(c.Evidence)))
	if err != nil {
		return usageError{err}
	}
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, e.Drop())
		}
	}()
	m := &e.Manifest
	var version strings.Builder
	if err := printVersion(&version); err != nil {
		return err
	}
	m.Version, m.Search, m.Earliest, m.Latest, m.Clock = strings.TrimSpace(version.String()), c.Search, c.Earliest, c.Latest, time.Now().UTC()
	if m.From = c.Files; len(c.Files) == 0 {
		m.From = []string{a.dataDir(c.Data)}
	}
	o.Text = c.Search
	if err := a.exported(o, e, true); err != nil {
		return err
	}
	o.Text = incident.CoverageSearch
	if err := a.exported(o, e, false); err != nil {
		return err
	}
	stop := a.waiting("hashing source files")
	err = e.Finish(func(source string) (string, error) {
		if a.place != nil && bucket.Is(source) {
			return a.place.Hash(a.ctx, source)
		}
		return incident.HashFile(a.path(source))
	})
	stop()
	if err != nil {
		return err
	}
	done = true
	a.note("%s of %s written to %s; verify them there with: sha256sum -c %s", count(int(m.Records), "record"), count(len(m.Sources), "source"), string(c.Evidence), incident.SumsFile)
	return nil
}

// exported runs one of the searches of an export.
func (a *app) exported(o search.Options, e *incident.Evidence, events bool) error {
	return a.running(o, func(s *search.Search, stop func()) error {
		if events && !s.Events() {
			return usage("export takes a search for events, but this one makes a table; leave out stats, table and the like")
		}
		take := e.Cover
		if events {
			take = e.Add
		}
		err := s.Each(a.ctx, func(b *vector.Batch) error { return take(b) })
		stop()
		if events {
			a.notices(s.Notices())
			a.tellSkipped(s)
			for _, n := range s.Notices() {
				switch n.Level {
				case diag.Note:
				case diag.Problem:
					e.Manifest.Unread = append(e.Manifest.Unread, n.String())
				default:
					e.Manifest.Notices = append(e.Manifest.Notices, n.String())
				}
			}
		}
		return err
	})
}
