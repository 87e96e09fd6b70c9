package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"bluetrail/internal/alert"
	"bluetrail/internal/alert/output"
	"bluetrail/internal/config"
	"bluetrail/internal/coverage"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/enrich/load"
	"bluetrail/internal/health"
	"bluetrail/internal/serve"
	"bluetrail/internal/source/dir"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"

	"github.com/VictoriaMetrics/metrics"
)

// facts gathers what conditions of health of a data directory follow from. covered, lists, rules and lags may
// be nil.
func (a *app) facts(data string, db *state.DB, covered *coverage.Report, lists *load.Loader, rules *ruleset.Ruleset, lags map[string]time.Duration) (*health.Facts, error) {
	f := &health.Facts{Now: time.Now(), Coverage: covered, Described: a.described(data)}
	if covered != nil {
		f.Events = covered.Categories
	}
	if free, err := vlogs.Free(data); err == nil {
		f.Disk = health.Disk{Dir: data, Free: free, Need: vlogs.LeastFree}
	}
	outputs, err := output.List(db, &a.cfg)
	if err != nil {
		return nil, err
	}
	for _, o := range outputs {
		x := health.Output{Name: o.Name, Problem: o.Problem, Failing: o.Streak > 0}
		if o.Oldest > 0 {
			x.Since = time.UnixMilli(o.Oldest)
		}
		f.Outputs = append(f.Outputs, x)
	}
	if lists != nil {
		for _, h := range lists.Status().Lists {
			x := health.List{Name: h.Name, Stale: h.Stale(f.Now), Of: h.Of, Pending: h.Lookup != "" && h.List == nil || h.Awaited()}
			if h.List != nil {
				x.Entries = h.List.Entries
			}
			f.Lists = append(f.Lists, x)
		}
	}
	dead, err := db.CountDeadLetters()
	if err != nil {
		return nil, err
	}
	for i := range a.cfg.Sources {
		src := &a.cfg.Sources[i]
		newest, err := a.newestOf(db, src)
		if err != nil {
			return nil, err
		}
		f.Sources = append(f.Sources, health.Source{Name: src.Label(), Newest: newest, Quiet: src.QuietTime(), Problem: a.shares.problems.get(src.Label()), Dead: dead[src.SQS.Queue]})
	}
	progress, err := db.RulesProgress()
	if err != nil {
		return nil, err
	}
	for _, p := range progress {
		f.Searches = append(f.Searches, health.Search{Rule: p.Rule, Failures: p.Failures, Lag: lags[p.Rule]})
	}
	if f.Digests, err = digestsOf(db, f.Now); err != nil {
		return nil, err
	}
	disabled, err := db.Disabled()
	if err != nil {
		return nil, err
	}
	for _, d := range disabled {
		f.Disabled = append(f.Disabled, health.Disabled{Rule: d.Rule, Since: d.Since, Reason: d.Reason})
	}
	if f.Due, f.DueSince, err = db.DueCount(); err != nil {
		return nil, err
	}
	if rules != nil {
		for i := range rules.Rules {
			r := &rules.Rules[i]
			if r.Off == "" && !r.Silent {
				f.Rules = append(f.Rules, r.Info)
			}
			if why := r.UnknownFields(); r.Off == "" && len(why) > 0 {
				f.Unfit = append(f.Unfit, health.Unfit{Rule: cmp.Or(r.Name, r.Title), Why: why[0]})
			}
		}
	}
	return f, nil
}

// newestOf returns when the newest file or object of a source was changed, zero if it had
// none.
func (a *app) newestOf(db *state.DB, src *config.Source) (newest time.Time, err error) {
	if k := src.KindOf(); k == config.KindHEC || k == config.KindHTTP {
		return lastOf(db, src.Label())
	}
	for _, folder := range src.Folders() {
		if src.KindOf() == config.KindDir {
			folder = file.Absolute(a.path(folder))
		}
		at, err := db.NewestFile(folder)
		if err != nil {
			return newest, err
		}
		if at.After(newest) {
			newest = at
		}
		if src.KindOf() != config.KindDir {
			continue
		}
		tails, err := db.Tails(folder, dir.MaxTails)
		if err != nil {
			return newest, err
		}
		for _, t := range tails {
			if info, err := os.Stat(t.Path); err == nil && info.ModTime().After(newest) {
				newest = info.ModTime()
			}
		}
	}
	return newest, nil
}

// healthEvery is how often a server looks at its own health.
const healthEvery = time.Minute

// health returns the part of a server that raises alerts about itself.
func (s *server) health(in *app) serve.Part {
	var open [len(severities)]atomic.Int64
	var idle, unfit atomic.Int64
	return serve.Part{
		Name: "health",
		Start: func(context.Context) error {
			s.metrics.RegisterMetricsWriter(func(w io.Writer) {
				for i, severity := range severities {
					metrics.WriteGaugeUint64(w, `bluetrail_health_conditions{severity="`+string(severity)+`"}`, uint64(open[i].Load()))
				}
				metrics.WriteGaugeUint64(w, "bluetrail_rules_without_data", uint64(idle.Load()))
				metrics.WriteGaugeUint64(w, "bluetrail_rules_with_unknown_fields", uint64(unfit.Load()))
			})
			return nil
		},
		Run: func(ctx context.Context) error {
			for {
				covered, err := s.covered.Read(ctx, coverageEvery)
				if err != nil && ctx.Err() == nil {
					s.log.Warn("cannot tell which records arrive", serve.KeyErr, err)
				}
				f, err := s.checkHealth(in, covered)
				switch {
				case err != nil && ctx.Err() == nil:
					s.log.Warn("cannot look after the health of bluetrail", serve.KeyErr, err)
				case err == nil:
					idle.Store(int64(len(health.WithoutData(f))))
					unfit.Store(int64(len(f.Unfit)))
					counts := map[rule.Severity]int64{}
					for _, c := range health.Conditions(f) {
						counts[c.Severity]++
					}
					for i, severity := range severities {
						open[i].Store(counts[severity])
					}
				}
				select {
				case <-time.After(healthEvery):
				case <-ctx.Done():
					return nil
				}
			}
		},
	}
}

// severities are those that conditions have.
var severities = [...]rule.Severity{rule.Low, rule.Medium, rule.High}

// checkHealth writes the conditions that hold now into the state, and ends the others.
func (s *server) checkHealth(in *app, covered *coverage.Report) (*health.Facts, error) {
	db := s.pipeline.State()
	var rules *ruleset.Ruleset
	if s.follow != nil {
		rules = s.follow.Rules()
	}
	var lags map[string]time.Duration
	if s.lags != nil {
		lags = s.lags()
	}
	f, err := in.facts(s.data, db, covered, s.lists, rules, lags)
	if err != nil {
		return nil, err
	}
	f.ClockAhead = s.pipeline.ClockAhead()
	return f, keepHealth(db, health.Conditions(f))
}

// keepHealth writes conditions into the state, and ends those of the same kinds that no
// longer hold.
func keepHealth(db *state.DB, list []health.Condition) error {
	was, err := db.OpenConditions()
	if err != nil {
		return err
	}
	return db.Write(func(tx *state.Tx) error {
		for _, c := range list {
			if err := alert.Health(tx, c.Key, c.Severity, c.Text); err != nil {
				return err
			}
		}
		for _, c := range was {
			kind, _, _ := strings.Cut(c.Key, " ")
			if slices.Contains(health.Kinds, kind) && !slices.ContainsFunc(list, func(now health.Condition) bool { return now.Key == c.Key }) {
				if err := alert.Health(tx, c.Key, "", ""); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// health tells what is not well of a data directory.
func (c *doctorCmd) health(a *app, folder string, db *state.DB, line func(what, format string, args ...any)) error {
	lists, err := a.loader(c.Data, false, nil)
	if err != nil {
		return err
	}
	covered, err := a.coverage(folder, db, lists)
	if err != nil {
		return err
	}
	describeCoverage(covered, line)
	var rules *ruleset.Ruleset
	switch follow, err := a.followRules(folder, nil); {
	case err != nil:
		line("rules", "%v", err)
	case follow != nil:
		rules = follow.Rules()
	}
	f, err := a.facts(folder, db, covered, lists, rules, nil)
	if err != nil {
		return err
	}
	if rules != nil {
		line("rules", "%s", count(len(f.Rules), "rule"))
	}
	for _, x := range health.Conditions(f) {
		kind, _, _ := strings.Cut(x.Key, " ")
		if kind == "list" || kind == "rule" || kind == "facts" { // doctor tells more of them elsewhere
			continue
		}
		line("health", "%s: %s", x.Severity, x.Text)
	}
	return nil
}
