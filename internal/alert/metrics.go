package alert

import (
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// counts are what an Alerter did.
type counts struct {
	raised, changed, withdrawn, lacking, failed atomic.Int64
}

func (c *counts) add(d Did) {
	c.raised.Add(int64(d.Raised))
	c.changed.Add(int64(d.Changed))
	c.withdrawn.Add(int64(d.Withdrawn))
	c.lacking.Add(int64(d.Lacking))
}

// Measure adds metrics to a set.
func (a *Alerter) Measure(set *metrics.Set) {
	for name, n := range map[string]*atomic.Int64{
		"bluetrail_alerts_raised_total": &a.counts.raised, "bluetrail_alerts_changed_total": &a.counts.changed, "bluetrail_alerts_withdrawn_total": &a.counts.withdrawn,
		"bluetrail_alerts_lacking_records_total": &a.counts.lacking, "bluetrail_alerts_failed_total": &a.counts.failed,
	} {
		set.NewGauge(name, func() float64 { return float64(n.Load()) })
	}
	set.NewGauge("bluetrail_alerts_queue_seconds", func() float64 {
		n, since, err := a.cfg.State.DueCount()
		if n == 0 || err != nil {
			return 0
		}
		return time.Since(since).Seconds()
	})
}
