package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/exposure"
	"bluetrail/internal/health"
	"bluetrail/internal/inventory"
	"bluetrail/internal/serve"

	"github.com/VictoriaMetrics/metrics"
)

// factsDir is the folder of a data directory with what AWS described.
const factsDir = "facts"

// cacheOf returns what keeps the answers of AWS in a data directory.
func (a *app) cacheOf(data string) *inventory.Cache {
	return &inventory.Cache{Dir: filepath.Join(a.path(data), factsDir), Client: &inventory.Client{}}
}

// due is a target with how often it is asked.
type due struct {
	inventory.Target
	every time.Duration
}

// targets returns what the configuration says to ask.
func targets(list []config.Facts) (all []due) {
	for i := range list {
		f := &list[i]
		roles := f.Roles
		if len(roles) == 0 {
			roles = []string{""}
		}
		for _, role := range roles {
			for _, region := range f.Regions {
				all = append(all, due{inventory.Target{Region: region, Role: role, ExternalID: f.ExternalID, Aggregator: f.Aggregator, Endpoint: f.Endpoint}, f.Every})
			}
		}
	}
	return all
}

// addAWS adds what AWS says of the configured targets: what the data directory keeps, or
// else what it answers now. "" = there is no data directory.
func (a *app) addAWS(m *exposure.Model, data string) error {
	all := targets(a.cfg.Facts)
	if len(all) == 0 {
		return usage("--aws needs to know what to ask: give the configuration a key facts, as in facts: [{regions: [eu-central-1]}]")
	}
	add := func(p inventory.Page) error {
		if err := m.Describe(p.Doc, p.At, p.Account, p.Region); err != nil && !errors.Is(err, exposure.ErrNoFacts) {
			return err
		}
		return nil
	}
	if data == "" {
		var client inventory.Client
		for _, t := range all {
			if err := client.Pages(a.ctx, t.Target, add); a.ctx.Err() != nil {
				return a.ctx.Err()
			} else if err != nil {
				a.warn("%v", err)
			}
		}
		return nil
	}
	c := a.cacheOf(data)
	for _, t := range all {
		s, err := c.Status(t.Target)
		if err != nil || !s.Fresh(time.Now(), t.every) {
			if s, err = c.Refresh(a.ctx, t.Target); err != nil {
				return err
			}
		}
		if s.Problem != "" {
			a.warn("%s", s.Problem)
		}
		if err := c.Each(t.Target, add); err != nil {
			return err
		}
	}
	return nil
}

// factFailures counts the failed refreshes of a server, by target.
type factFailures struct {
	mu     sync.Mutex
	counts map[string]uint64
}

func (f *factFailures) add(target string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.counts == nil {
		f.counts = map[string]uint64{}
	}
	f.counts[target]++
}

// facts returns the part of a server that asks AWS what there is.
func (s *server) facts(in *app) serve.Part {
	all := targets(s.cfg.Facts)
	c := in.cacheOf(s.data)
	var failures factFailures
	return serve.Part{
		Name: "facts",
		Start: func(context.Context) error {
			s.metrics.RegisterMetricsWriter(func(w io.Writer) {
				failures.mu.Lock()
				defer failures.mu.Unlock()
				for _, t := range all {
					name := t.String()
					if st, err := c.Status(t.Target); err == nil && !st.At.IsZero() {
						metrics.WriteGaugeFloat64(w, `bluetrail_facts_age_seconds{target=`+strconv.Quote(name)+`}`, time.Since(st.At).Seconds())
					}
					metrics.WriteCounterUint64(w, `bluetrail_facts_failures_total{target=`+strconv.Quote(name)+`}`, failures.counts[name])
				}
			})
			return nil
		},
		Run: func(ctx context.Context) error {
			add := func(p inventory.Page) error {
				if err := s.exposed.Describe(ctx, p.Doc, p.At, p.Account, p.Region); err != nil && !errors.Is(err, exposure.ErrNoFacts) {
					return err
				}
				return nil
			}
			next := make([]time.Time, len(all))
			for i, t := range all {
				if err := c.Each(t.Target, add); err != nil && ctx.Err() == nil {
					s.log.Warn("cannot use what AWS described earlier", "target", t.String(), serve.KeyErr, err)
				}
				if st, err := c.Status(t.Target); err == nil && st.Problem == "" {
					next[i] = st.Tried.Add(t.every)
				}
			}
			for len(all) > 0 && ctx.Err() == nil {
				soonest := 0
				for i := range next {
					if next[i].Before(next[soonest]) {
						soonest = i
					}
				}
				select {
				case <-time.After(time.Until(next[soonest])):
				case <-ctx.Done():
					return nil
				}
				t := all[soonest]
				st, err := c.Refresh(ctx, t.Target)
				if err == nil && st.Problem != "" {
					err = errors.New(st.Problem)
				}
				if err != nil && ctx.Err() == nil {
					failures.add(t.String())
					s.log.Warn("cannot learn all of what AWS has; exposure says unknown where it matters", "target", t.String(), serve.KeyErr, err)
				}
				if err := c.Each(t.Target, add); err != nil && ctx.Err() == nil {
					s.log.Warn("cannot use what AWS described", "target", t.String(), serve.KeyErr, err)
				}
				next[soonest] = time.Now().Add(t.every)
			}
			<-ctx.Done()
			return nil
		},
	}
}

// described returns how the answers of AWS are, for health.
func (a *app) described(data string) (list []health.Described) {
	c := a.cacheOf(data)
	for _, t := range targets(a.cfg.Facts) {
		s, err := c.Status(t.Target)
		if err != nil {
			s.Problem = err.Error()
		}
		list = append(list, health.Described{Name: t.String(), Of: s.At, Problem: s.Problem, Every: t.every, Pages: s.Pages})
	}
	return list
}

// facts tells of what AWS described, and returns how many problems there are.
func (c *doctorCmd) facts(a *app, line func(what, format string, args ...any)) (broken int) {
	for _, d := range a.described(a.dataDir(c.Data)) {
		switch {
		case d.Problem != "":
			broken++
			line("facts", "BROKEN: %s", cmp.Or(d.Problem, d.Name))
		case d.Of.IsZero():
			line("facts", "%s: not asked yet; serve does", d.Name)
		default:
			line("facts", "%s: %s of %s, asked every %s", d.Name, count(d.Pages, "page"), d.Of.Format("2006-01-02 15:04"), d.Every)
		}
	}
	return broken
}
