package ingest

import (
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// counts are what a pipeline did since it was opened.
type counts struct {
	events, duplicates, problems, commits, commitTime atomic.Int64
}

// Measure adds the pipeline's metrics to a set.
func (p *Pipeline) Measure(set *metrics.Set) {
	c := &p.counts
	for name, n := range map[string]*atomic.Int64{
		"bluetrail_ingest_events_total":     &c.events,
		"bluetrail_ingest_duplicates_total": &c.duplicates,
		"bluetrail_ingest_problems_total":   &c.problems,
		"bluetrail_ingest_commits_total":    &c.commits,
	} {
		set.NewGauge(name, func() float64 { return float64(n.Load()) })
	}
	set.NewGauge("bluetrail_ingest_commit_seconds_total", func() float64 { return time.Duration(c.commitTime.Load()).Seconds() })
	set.NewGauge("bluetrail_store_events", func() float64 { return float64(p.store.Info().Events) })
	set.NewGauge("bluetrail_store_bytes", func() float64 { return float64(p.store.Info().Bytes) })
}
