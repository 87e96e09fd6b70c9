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

	"bluetrail/internal/detect/judge"
	"bluetrail/internal/detect/ruleset"

	"github.com/VictoriaMetrics/metrics"
)

// Rules are evaluated together, which tells nothing of each. So each is timed now and
// then.
const (
	maxCost     = time.Millisecond // of a rule on an event
	costSamples = 64               // of which half must exceed it
)

// mostSeries bounds the rules that have metrics of their own.
const mostSeries = 20

// counts is what metrics tell.
type counts struct {
	loaded, disabled, written, failed, damaged atomic.Int64

	mu    sync.Mutex
	hits  map[string]int64
	costs map[string]*cost
	knows knows
}

// knows is what the rules know, as of the last commit.
type knows struct {
	judging             time.Duration // of all commits
	commits             int64
	units, waiting      int
	remembered, dropped int64 // tuples
	droppedCallers      int
	past                judge.Stats // of the replayers before this one
	stats               judge.Stats
}

// cost is what a rule cost in the last samples.
type cost struct {
	last [costSamples]time.Duration
	n    int
}

func (c *counts) init() { c.hits, c.costs = map[string]int64{}, map[string]*cost{} }

func (c *counts) hit(rule string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hits[rule] += n
}

// forget drops the costs of rules that do not run.
func (c *counts) forget(runs map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.costs, func(id string, _ *cost) bool { return !runs[id] })
}

// observe notes what a rule cost on an event, and disables what usually costs too much.
func (r *Rules) observe(rs *ruleset.Ruleset, rule int, took time.Duration) {
	id := rs.Rules[rule].ID
	r.counts.mu.Lock()
	c := r.counts.costs[id]
	if c == nil {
		c = &cost{}
		r.counts.costs[id] = c
	}
	c.last[c.n%costSamples] = took
	c.n++
	usual, enough := c.usual(), c.n >= costSamples
	r.counts.mu.Unlock()
	if enough && usual > maxCost {
		r.disable(rs, rule, fmt.Sprintf("it takes %s for an event; %s is the limit", usual.Round(10*time.Microsecond), maxCost))
	}
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

// judged notes what a commit has judged. s.mu is held.
func (c *counts) judged(s *Sink, took time.Duration) {
	units, waiting := s.replayer.Size()
	n, dropped := s.memory.Len()
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &c.knows
	k.judging += took
	k.commits++
	k.units, k.waiting, k.remembered, k.dropped, k.droppedCallers = units, waiting, int64(n), dropped, s.trail.Dropped()
	k.stats = s.replayer.Stats()
}

// replaced notes that another replayer has taken over.
func (c *counts) replaced() {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := &c.knows
	k.past.Late += k.stats.Late
	k.past.Evicted += k.stats.Evicted
	k.past.Hurried += k.stats.Hurried
	k.past.Shortened += k.stats.Shortened
	k.past.NoGroup += k.stats.NoGroup
	k.stats = judge.Stats{}
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
		metrics.WriteCounterUint64(w, "bluetrail_rule_state_damaged_total", uint64(c.damaged.Load()))
		c.mu.Lock()
		defer c.mu.Unlock()
		k := &c.knows
		metrics.WriteGaugeUint64(w, "bluetrail_rule_units", uint64(k.units))
		metrics.WriteGaugeUint64(w, "bluetrail_rule_waiting_matches", uint64(k.waiting))
		metrics.WriteGaugeUint64(w, "bluetrail_rule_remembered_tuples", uint64(k.remembered))
		for _, x := range []struct {
			name string
			n    int64
		}{
			{"late_matches", k.past.Late + k.stats.Late}, {"hurried_matches", k.past.Hurried + k.stats.Hurried}, {"evicted_groups", k.past.Evicted + k.stats.Evicted},
			{"shortened_windows", k.past.Shortened + k.stats.Shortened}, {"ungrouped_events", k.past.NoGroup + k.stats.NoGroup},
			{"dropped_tuples", k.dropped}, {"dropped_callers", int64(k.droppedCallers)}, {"judgements", k.commits},
		} {
			metrics.WriteCounterUint64(w, "bluetrail_rule_"+x.name+"_total", uint64(x.n))
		}
		metrics.WriteCounterFloat64(w, "bluetrail_rule_judging_seconds_total", k.judging.Seconds())
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
