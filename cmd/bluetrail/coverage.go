package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/coverage"
	"bluetrail/internal/enrich/load"
	"bluetrail/internal/integrity"
	"bluetrail/internal/search"
	"bluetrail/internal/serve"
	"bluetrail/internal/state"

	"github.com/VictoriaMetrics/metrics"
)

// coverageEvery is how often a server looks at what arrived.
const coverageEvery = 5 * time.Minute

// coverageOf reads the coverage of a store. lists may be nil.
func (a *app) coverageOf(db *state.DB, lists *load.Loader, open func() (search.Options, error)) *coverage.Reader {
	return &coverage.Reader{
		Search: open,
		Arrived: func() (int64, error) {
			c, err := db.Checkpoint()
			return c.Batch, err
		},
		Live:    len(a.cfg.Sources) > 0,
		Members: a.members(lists),
	}
}

// members returns what tells the accounts of the organization: those of the assets, and
// those that AWS Organizations lists. What AWS said last counts while it cannot be asked.
func (a *app) members(lists *load.Loader) func(context.Context) ([]coverage.Member, error) {
	var told []aws.OrganizationAccount
	var asked time.Time
	var failed error
	return func(ctx context.Context) (members []coverage.Member, err error) {
		if o := a.cfg.Organization; o != nil && (time.Since(asked) >= o.Every || failed != nil && time.Since(asked) >= coverageEvery) {
			c, err := aws.New(ctx, o.Access)
			if err == nil {
				var list []aws.OrganizationAccount
				if list, err = c.Accounts(ctx); len(list) > 0 {
					told = list
				}
			}
			asked, failed = time.Now(), err
		}
		for _, x := range told {
			members = append(members, coverage.Member{ID: x.ID, Name: x.Name, Suspended: x.Suspended})
		}
		if lists != nil {
			for id, x := range lists.Facts().Accounts {
				members = append(members, coverage.Member{ID: id, Name: x.Name})
			}
		}
		return members, failed
	}
}

// coverage returns the coverage of a data directory, nil if it has no events.
func (a *app) coverage(folder string, db *state.DB, lists *load.Loader) (*coverage.Report, error) {
	st, _, release, err := a.events(folder, false)
	if errors.Is(err, integrity.ErrNoEvents) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer release()
	return a.coverageOf(db, lists, func() (search.Options, error) {
		o, err := (&source{Data: folder}).bounds(a)
		o.Store, o.Meter = borrowed{st}, nil
		return o, err
	}).Read(a.ctx, 0)
}

// measureCoverage adds the metrics of coverage. They are those of the last reading, so a
// scrape costs nothing.
func (s *server) measureCoverage(ctx context.Context) {
	s.metrics.RegisterMetricsWriter(func(w io.Writer) {
		r := s.covered.Latest(ctx)
		if r == nil {
			return
		}
		now := time.Now()
		for i := range r.Rows {
			x := &r.Rows[i]
			labels := fmt.Sprintf("{account=%s,region=%s}", label(x.Account), label(x.Region))
			metrics.WriteGaugeFloat64(w, "bluetrail_coverage_last_event_age_seconds"+labels, now.Sub(x.Last).Seconds())
		}
		for i := range r.Rows {
			x := &r.Rows[i]
			silent := uint64(0)
			if x.Rhythm.State == coverage.Silent {
				silent = 1
			}
			metrics.WriteGaugeUint64(w, fmt.Sprintf("bluetrail_coverage_silent{account=%s,region=%s}", label(x.Account), label(x.Region)), silent)
		}
		for _, c := range append(coverage.Known[:len(coverage.Known):len(coverage.Known)], coverage.Other) {
			metrics.WriteGaugeUint64(w, `bluetrail_coverage_events{category="`+c+`"}`, uint64(r.Categories[c]))
		}
		metrics.WriteGaugeUint64(w, "bluetrail_coverage_missing_accounts", uint64(len(r.Missing())))
		metrics.WriteGaugeFloat64(w, `bluetrail_coverage_delay_seconds{quantile="0.5"}`, r.Delay.P50.Seconds())
		metrics.WriteGaugeFloat64(w, `bluetrail_coverage_delay_seconds{quantile="0.99"}`, r.Delay.P99.Seconds())
	})
}

// label writes the value of a label, which records say.
func label(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

// describeCoverage tells what comes from where.
func describeCoverage(r *coverage.Report, line func(what, format string, args ...any)) {
	if r == nil || len(r.Rows) == 0 {
		return
	}
	silent := r.Silent()
	text := fmt.Sprintf("%s with %s of account and region in the %d days up to %s",
		count(len(r.Accounts)-len(r.Missing()), "account"), count(len(r.Rows), "pair"), int(coverage.Window/(24*time.Hour)), clockOf(r.AsOf))
	if len(silent) > 0 {
		text += fmt.Sprintf("; %d of them silent", len(silent))
	}
	line("coverage", "%s", text)
	for i, x := range silent {
		if i == maxSilentLines {
			line("coverage", "%s", count(len(silent)-i, "more silent pair"))
			break
		}
		line("coverage", "%s %s: silent since %s; it was expected by %s", x.Account, x.Region, clockOf(x.Last), clockOf(x.Rhythm.Limit))
	}
	var seen, unseen []string
	for _, c := range coverage.Known {
		if n := r.Categories[c]; n > 0 {
			seen = append(seen, fmt.Sprintf("%s %d", c, n))
		} else {
			unseen = append(unseen, c)
		}
	}
	text = strings.Join(seen, ", ")
	if len(unseen) > 0 {
		text += "; none of " + strings.Join(unseen, ", ")
	}
	line("categories", "%s", text)
	if d := r.Delay; d.Events > 0 {
		line("delay", "of the last day's records: half within %s, 99%% within %s", d.P50, d.P99)
	}
	for i, x := range r.Missing() {
		if i == maxSilentLines {
			line("no records", "%s", count(len(r.Missing())-i, "more account"))
			break
		}
		line("no records", "account %s %s", x.ID, x.Name)
	}
	if r.Problem != "" {
		line("organization", "%s", r.Problem)
	}
}

// maxSilentLines bounds the lines that doctor prints of a kind.
const maxSilentLines = 20

func clockOf(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// coverage returns the part of a server that knows what arrives. Health keeps it up to
// date.
func (s *server) coverage(in *app) serve.Part {
	return serve.Part{Name: "coverage", Start: func(ctx context.Context) error {
		s.covered = in.coverageOf(s.pipeline.State(), s.lists, func() (search.Options, error) { return s.searching(in, nil) })
		s.measureCoverage(context.WithoutCancel(ctx))
		return nil
	}}
}
