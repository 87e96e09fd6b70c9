package schedule

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"bluetrail/internal/state"

	"github.com/VictoriaMetrics/metrics"
)

// counts is what the metrics say of one rule.
type counts struct {
	runs, failures, findings, muted uint64
	took                            time.Duration
	lag                             time.Duration // of the last run behind its planned time
}

func (s *Scheduler) of(j *job) *counts {
	c := s.counts[j.key]
	if c == nil {
		c = &counts{}
		s.counts[j.key] = c
	}
	return c
}

func (s *Scheduler) countLag(j *job, lag time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(j).lag = lag
}

func (s *Scheduler) count(j *job, r *state.Run) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.of(j)
	c.runs++
	if r.Status == state.RunFailed {
		c.failures++
	}
	c.findings += uint64(r.Findings)
	c.muted += uint64(r.Muted)
	c.took += r.Took
}

// Measure adds the metrics of scheduled rules to a set.
func (s *Scheduler) Measure(set *metrics.Set) {
	set.RegisterMetricsWriter(func(w io.Writer) {
		s.mu.Lock()
		defer s.mu.Unlock()
		off := 0
		for _, j := range s.rules {
			if j.off != "" {
				off++
			}
		}
		metrics.WriteGaugeUint64(w, "bluetrail_scheduled_rules", uint64(len(s.rules)))
		metrics.WriteGaugeUint64(w, "bluetrail_scheduled_rules_disabled", uint64(off))
		metrics.WriteGaugeUint64(w, "bluetrail_scheduled_rules_running", uint64(s.running))
		for _, key := range slices.Sorted(maps.Keys(s.counts)) {
			c, label := s.counts[key], fmt.Sprintf("{rule=%q}", key)
			metrics.WriteCounterUint64(w, "bluetrail_rule_runs_total"+label, c.runs)
			metrics.WriteCounterUint64(w, "bluetrail_rule_failures_total"+label, c.failures)
			metrics.WriteCounterUint64(w, "bluetrail_rule_findings_total"+label, c.findings)
			metrics.WriteCounterUint64(w, "bluetrail_rule_muted_total"+label, c.muted)
			metrics.WriteCounterFloat64(w, "bluetrail_rule_seconds_total"+label, c.took.Seconds())
			metrics.WriteGaugeFloat64(w, "bluetrail_rule_lag_seconds"+label, c.lag.Seconds())
		}
	})
}

// Lags returns how far behind its planned time the last run of each rule began.
func (s *Scheduler) Lags() map[string]time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	lags := make(map[string]time.Duration, len(s.counts))
	for key, c := range s.counts {
		lags[key] = c.lag
	}
	return lags
}
