package live

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/detect/sigma"

	"github.com/VictoriaMetrics/metrics"
)

// Rules are evaluated together, which tells nothing of each. So some events are
// evaluated by each rule alone, and the time is taken.
const (
	sampleEvery = 4096
	maxCost     = time.Millisecond // of a rule on an event
	costSamples = 64               // of which half must exceed it
)

// mostSeries bounds the rules that have metrics of their own.
const mostSeries = 20

// counts is what metrics tell.
type counts struct {
	loaded, disabled, written, failed atomic.Int64

	mu       sync.Mutex
	hits     map[string]int64
	costs    map[string]*cost
	sampling sync.Mutex
}

// cost is what a rule cost in the last samples.
type cost struct {
	evaluator *sigma.Evaluator
	of        *ruleOf
	last      [costSamples]time.Duration
	n         int
}

func (c *counts) init() { c.hits, c.costs = map[string]int64{}, map[string]*cost{} }

func (c *counts) hit(rule string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits[rule]++
}

// forget drops the costs of rules that do not run.
func (c *counts) forget(rs *running) {
	c.mu.Lock()
	defer c.mu.Unlock()
	runs := map[string]bool{}
	for i := range rs.rules {
		runs[rs.rules[i].info.ID] = true
	}
	maps.DeleteFunc(c.costs, func(id string, _ *cost) bool { return !runs[id] })
}

// sample takes the time of each rule on an event, and disables what costs too much.
func (r *Rules) sample(rs *running, raw []byte) {
	if !r.counts.sampling.TryLock() {
		return // another worker does
	}
	defer r.counts.sampling.Unlock()
	for i := range rs.rules {
		rule := &rs.rules[i]
		r.counts.mu.Lock()
		c := r.counts.costs[rule.info.ID]
		if c == nil || c.of != rule {
			c = &cost{evaluator: rule.alone.NewEvaluator(), of: rule}
			r.counts.costs[rule.info.ID] = c
		}
		r.counts.mu.Unlock()
		took, failed := r.time(c, raw)
		if failed {
			continue // the evaluation that follows tells
		}
		r.counts.mu.Lock()
		c.last[c.n%costSamples] = took
		c.n++
		usual, whole := c.usual(), c.n >= costSamples
		r.counts.mu.Unlock()
		if whole && usual > maxCost {
			r.disable(rule, fmt.Sprintf("it takes %s for an event; %s is the limit", usual.Round(10*time.Microsecond), maxCost))
		}
	}
}

func (r *Rules) time(c *cost, raw []byte) (took time.Duration, failed bool) {
	defer func() {
		if recover() != nil {
			failed, c.evaluator = true, c.of.alone.NewEvaluator()
		}
	}()
	start := r.cfg.clock()
	c.evaluator.Evaluate(raw, "", "", func(int) {
		if r.cfg.hit != nil {
			r.cfg.hit(&c.of.info, raw)
		}
	})
	return r.cfg.clock().Sub(start), false
}

// usual is the median of the last samples, which a process that is held up for a
// moment does not move.
func (c *cost) usual() time.Duration {
	list := slices.Clone(c.last[:min(c.n, costSamples)])
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}

// Measure adds the metrics of the rules. Only those that cost or match most have
// series of their own.
func (r *Rules) Measure(set *metrics.Set) {
	set.RegisterMetricsWriter(func(w io.Writer) {
		c := &r.counts
		metrics.WriteGaugeUint64(w, "bluetrail_rules", uint64(c.loaded.Load()))
		metrics.WriteGaugeUint64(w, "bluetrail_rules_broken_files", uint64(r.cfg.Rules.Broken()))
		metrics.WriteGaugeUint64(w, "bluetrail_rules_disabled", uint64(c.disabled.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_findings_written_total", uint64(c.written.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_rule_failed_events_total", uint64(c.failed.Load()))
		c.mu.Lock()
		defer c.mu.Unlock()
		total := int64(0)
		for _, n := range c.hits {
			total += n
		}
		metrics.WriteCounterUint64(w, "bluetrail_rule_matches_all_total", uint64(total))
		byHits := slices.SortedFunc(maps.Keys(c.hits), func(a, b string) int { return cmp.Or(cmp.Compare(c.hits[b], c.hits[a]), cmp.Compare(a, b)) })
		for _, id := range byHits[:min(len(byHits), mostSeries)] {
			metrics.WriteCounterUint64(w, fmt.Sprintf("bluetrail_rule_matches_total{rule=%q}", id), uint64(c.hits[id]))
		}
		byCost := slices.SortedFunc(maps.Keys(c.costs), func(a, b string) int {
			return cmp.Or(cmp.Compare(c.costs[b].usual(), c.costs[a].usual()), cmp.Compare(a, b))
		})
		for _, id := range byCost[:min(len(byCost), mostSeries)] {
			metrics.WriteGaugeFloat64(w, fmt.Sprintf("bluetrail_rule_seconds{rule=%q}", id), c.costs[id].usual().Seconds())
		}
	})
}
