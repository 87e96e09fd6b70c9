package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/output"
	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/triage"
	"bluetrail/internal/exposure"
	"bluetrail/internal/integrity"
	"bluetrail/internal/search"
	"bluetrail/internal/serve"
	"bluetrail/internal/state"
	"bluetrail/internal/store/actors"
	"bluetrail/internal/store/vlogs"
)

// alerter returns what makes alerts of the findings in a state. rules may return nil;
// exposed may be nil.
func (a *app) alerter(db *state.DB, rules func() *ruleset.Ruleset, open func() (search.Options, error), exposed *exposure.Keeper, log *slog.Logger) (*alert.Alerter, error) {
	c := a.cfg.Alerts
	desk, err := a.desk(db, "", func(id string) *rule.Info {
		if rs := rules(); rs != nil {
			if i := rs.Find(id); i >= 0 {
				return &rs.Rules[i].Info
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var opened func(context.Context, *alert.Alert) []string
	if exposed != nil {
		opened = openingNotes(exposed, log)
	}
	var wake <-chan struct{}
	if a.rules != nil {
		wake = a.rules.Written()
	}
	return alert.NewAlerter(alert.Config{
		Wake: wake, Exposure: opened, State: db, Rules: rules, Open: open, Queue: output.Queue, Log: log,
		Triage: func(f *finding.Finding) triage.Verdict { return desk.Apply(f) }, Unusual: desk.Unusual,
		Window: c.Window, Windows: c.Windows, Risk: alert.Risk{Threshold: c.Risk.Threshold, HalfLife: c.Risk.HalfLife},
	}), nil
}

// alerts returns the part of a server that makes alerts.
func (s *server) alerts(in *app) serve.Part {
	var alerter *alert.Alerter
	return serve.Part{
		Name: "alerts",
		Start: func(context.Context) (err error) {
			rules := func() *ruleset.Ruleset { return nil }
			if s.follow != nil {
				rules = s.follow.Rules
			}
			open := func() (search.Options, error) { return s.searching(in, nil) }
			s.exposed = exposureOf(s.pipeline.State(), open)
			own := *in
			own.rules = s.rules
			if alerter, err = own.alerter(s.pipeline.State(), rules, open, s.exposed, s.log); err != nil {
				return err
			}
			alerter.Measure(s.metrics)
			return nil
		},
		Run: func(ctx context.Context) error { return alerter.Run(ctx) },
	}
}

// mostAlerting bounds how long a command makes alerts. What is left, the next ingest or
// server takes.
const mostAlerting = 10 * time.Minute

// mostStopping bounds how long an interrupted command still makes alerts.
const mostStopping = 10 * time.Second

// alertStopped is alertFindings for a command that was interrupted: what it committed
// still gets its alerts.
func (a *app) alertStopped(dir string, rules *ruleset.Follower, log *slog.Logger) {
	if !exists(dir) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(a.ctx), mostStopping)
	defer cancel()
	b := *a
	b.ctx = ctx
	err := b.alertFindings(dir, rules, log)
	a.raised = b.raised
	if err != nil {
		a.warn("not all findings have their alerts yet (%v); the next ingest or server raises them", err)
	}
}

// alertFindings makes alerts of the findings in a data directory that no process has
// open, and says how many there are.
func (a *app) alertFindings(dir string, rules *ruleset.Follower, log *slog.Logger) error {
	db, err := state.Open(dir)
	if err != nil {
		return err
	}
	defer db.Close()
	if n, _, err := db.DueCount(); n == 0 || err != nil {
		return err
	}
	now := func() *ruleset.Ruleset { return nil }
	if rules != nil {
		now = rules.Rules
	}
	var open func() (search.Options, error)
	st, _, err := integrity.Open(a.ctx, dir, vlogs.Options{ReadOnly: true})
	switch {
	case err == nil:
		defer st.Close()
		var known actors.Actors
		open = func() (search.Options, error) {
			o, err := (&source{Data: dir}).bounds(a)
			o.Store, o.Actors, o.Meter = borrowed{st}, &known, nil
			return o, err
		}
	case !errors.Is(err, integrity.ErrNoEvents):
		return err
	}
	var exposed *exposure.Keeper
	if open != nil {
		exposed = exposureOf(db, open)
	}
	alerter, err := a.alerter(db, now, open, exposed, log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(a.ctx, mostAlerting)
	defer cancel()
	defer a.waiting("making alerts")()
	did, err := alerter.Drain(ctx)
	if err != nil && a.ctx.Err() == nil && ctx.Err() != nil {
		a.warn("making alerts took too long; the next ingest or server goes on with it")
		err = nil
	}
	if did.Raised > 0 {
		a.raised += did.Raised
	}
	if did.Lacking > 0 {
		a.warn("the records of some events of %s were not found; the next ingest or server looks again", count(did.Lacking, "alert"))
	}
	return err
}
