package alert

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/enrich"

	"github.com/VictoriaMetrics/metrics"
)

// counts are what an Alerter did.
type counts struct {
	raised, changed, withdrawn, lacking, failed atomic.Int64

	mu       sync.Mutex
	findings map[string]uint64 // that were looked at, by class of their actors
	alerts   map[string]uint64 // that were raised, likewise
	hits     map[string]uint64 // findings that were looked at, by list that one of their addresses is on
}

// noClass stands for what has no actor, and for what nothing is known of.
const noClass = "none"

// countBy counts something once for each of its values, or else as none, unless that is "".
func countBy(to *map[string]uint64, values []string, none string) {
	if *to == nil {
		*to = map[string]uint64{}
	}
	if len(values) == 0 && none != "" {
		values = []string{none}
	}
	for _, v := range values {
		(*to)[v]++
	}
}

func (c *counts) add(d Did) {
	c.raised.Add(int64(d.Raised))
	c.changed.Add(int64(d.Changed))
	c.withdrawn.Add(int64(d.Withdrawn))
	c.lacking.Add(int64(d.Lacking))
}

// classes counts the findings of a transaction and the alerts that it raised.
func (c *counts) classes(items []item, raised [][]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range items {
		if items[i].f != nil {
			countBy(&c.findings, items[i].shown.Classes, noClass)
			var lists []string
			for _, address := range items[i].f.SourceIP {
				for _, list := range enrich.Current().Source(address).Lists {
					if !slices.Contains(lists, list) {
						lists = append(lists, list)
					}
				}
			}
			countBy(&c.hits, lists, "")
		}
	}
	for _, classes := range raised {
		countBy(&c.alerts, classes, noClass)
	}
}

// Measure adds metrics to a set.
func (a *Alerter) Measure(set *metrics.Set) {
	for name, n := range map[string]*atomic.Int64{
		"bluetrail_alerts_raised_total": &a.counts.raised, "bluetrail_alerts_changed_total": &a.counts.changed, "bluetrail_alerts_withdrawn_total": &a.counts.withdrawn,
		"bluetrail_alerts_lacking_records_total": &a.counts.lacking, "bluetrail_alerts_failed_total": &a.counts.failed,
	} {
		set.NewGauge(name, func() float64 { return float64(n.Load()) })
	}
	a.counts.mu.Lock()
	defer a.counts.mu.Unlock()
	a.counts.findings, a.counts.alerts = map[string]uint64{noClass: 0}, map[string]uint64{noClass: 0}
	a.counts.hits = map[string]uint64{}
	for _, class := range actor.Classes {
		a.counts.findings[string(class)], a.counts.alerts[string(class)] = 0, 0
	}
	set.RegisterMetricsWriter(func(w io.Writer) {
		a.counts.mu.Lock()
		defer a.counts.mu.Unlock()
		if lists, ok := enrich.Current().Lists.(interface{ Names() []string }); ok {
			for _, name := range lists.Names() {
				a.counts.hits[name] += 0 // known, if only as none
			}
		}
		for _, by := range []struct {
			name, label string
			counts      map[string]uint64
		}{{"bluetrail_findings_judged_total", "class", a.counts.findings}, {"bluetrail_alerts_raised_by_class_total", "class", a.counts.alerts}, {"bluetrail_list_hits_total", "list", a.counts.hits}} {
			for _, value := range slices.Sorted(maps.Keys(by.counts)) {
				metrics.WriteCounterUint64(w, fmt.Sprintf("%s{%s=%q}", by.name, by.label, value), by.counts[value])
			}
		}
	})
	set.NewGauge("bluetrail_alerts_queue_seconds", func() float64 {
		n, since, err := a.cfg.State.DueCount()
		switch {
		case err != nil:
			return math.NaN() // it is not known
		case n == 0:
			return 0
		}
		return time.Since(since).Seconds()
	})
}
