package ingest

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/store/vlogs"

	"github.com/VictoriaMetrics/metrics"
)

// Commands is the source under which metrics count what commands ingest.
const Commands = "commands"

// counts are what a pipeline did since it was opened.
type counts struct {
	duplicates, fileProblems, recordProblems, commits, commitTime, lastCommit atomic.Int64

	mu      sync.Mutex
	sources map[string]*share
	dropped dropped
}

// drop counts what filters dropped.
func (c *counts) drop(d dropped) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped == nil {
		c.dropped = dropped{}
	}
	c.dropped.merge(d)
}

// stored counts what a source gave and is durable.
func (c *counts) stored(source string, part *share) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sources == nil {
		c.sources = map[string]*share{}
	}
	all := c.sources[source]
	if all == nil {
		all = &share{}
		c.sources[source] = all
	}
	all.events += part.events
	all.bytes += part.bytes
	all.files += part.files
	all.newest = max(all.newest, part.newest)
}

// write writes the metrics of each source.
func (c *counts) write(w io.Writer, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := slices.Sorted(maps.Keys(c.sources))
	for _, filter := range slices.Sorted(maps.Keys(c.dropped)) {
		metrics.WriteCounterUint64(w, "bluetrail_ingest_dropped_total{filter="+LabelValue(filter)+"}", uint64(c.dropped[filter]))
	}
	each := func(name string, write func(w io.Writer, name string, s *share)) {
		for _, source := range names {
			write(w, fmt.Sprintf("%s{source=%s}", name, LabelValue(source)), c.sources[source])
		}
	}
	each("bluetrail_ingest_events_total", func(w io.Writer, name string, s *share) {
		metrics.WriteCounterUint64(w, name, uint64(s.events))
	})
	each("bluetrail_ingest_bytes_total", func(w io.Writer, name string, s *share) {
		metrics.WriteCounterUint64(w, name, uint64(s.bytes))
	})
	each("bluetrail_ingest_files_total", func(w io.Writer, name string, s *share) {
		metrics.WriteCounterUint64(w, name, uint64(s.files))
	})
	each("bluetrail_ingest_newest_event_age_seconds", func(w io.Writer, name string, s *share) {
		if s.newest > 0 {
			metrics.WriteGaugeFloat64(w, name, now.Sub(time.Unix(0, s.newest)).Seconds())
		}
	})
}

// labelEscapes are those of the text format.
var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// LabelValue writes the value of a label, which may be any path.
func LabelValue(s string) string {
	return `"` + labelEscapes.Replace(strings.ToValidUTF8(s, "\uFFFD")) + `"`
}

// infoAge is how old the counts of the store may be that metrics show: the engine
// goes through its parts for them.
const infoAge = 5 * time.Second

// storeCounts are counts of the store, see infoAge.
type storeCounts struct {
	vlogs.Info
	alarms  int
	checked time.Time // zero = never
	err     error
}

func (p *Pipeline) storeCounts() (c storeCounts) {
	c.Info = p.store.Info()
	alarms, err := p.state.Alarms()
	if err != nil {
		c.err = err
		return c
	}
	c.alarms = len(alarms)
	c.checked, c.err = p.store.Checked()
	return c
}

// Measure adds the pipeline's metrics to a set. docs/serve.md lists them. failed is
// told when some cannot be read.
func (p *Pipeline) Measure(set *metrics.Set, failed func(error)) {
	var mu sync.Mutex
	var have storeCounts
	var asked time.Time
	stored := func() storeCounts {
		mu.Lock()
		defer mu.Unlock()
		if asked.IsZero() || time.Since(asked) >= infoAge {
			have, asked = p.storeCounts(), time.Now()
			if have.err != nil {
				failed(have.err)
			}
		}
		return have
	}
	set.RegisterMetricsWriter(func(w io.Writer) {
		c := &p.counts
		c.write(w, p.cfg.Clock())
		metrics.WriteCounterUint64(w, "bluetrail_ingest_duplicates_total", uint64(c.duplicates.Load()))
		metrics.WriteCounterUint64(w, `bluetrail_ingest_problems_total{kind="file"}`, uint64(c.fileProblems.Load()))
		metrics.WriteCounterUint64(w, `bluetrail_ingest_problems_total{kind="record"}`, uint64(c.recordProblems.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_ingest_commits_total", uint64(c.commits.Load()))
		metrics.WriteCounterFloat64(w, "bluetrail_ingest_commit_seconds_total", time.Duration(c.commitTime.Load()).Seconds())
		metrics.WriteGaugeFloat64(w, "bluetrail_ingest_last_commit_seconds", time.Duration(c.lastCommit.Load()).Seconds())
		metrics.WriteGaugeUint64(w, "bluetrail_ingest_queued_files", uint64(len(p.jobs)))
		p.mu.Lock()
		events, bytes := p.batch.events, p.batch.bytes
		p.mu.Unlock()
		metrics.WriteGaugeUint64(w, "bluetrail_ingest_batch_events", uint64(events))
		metrics.WriteGaugeUint64(w, "bluetrail_ingest_batch_bytes", uint64(bytes))
		if free, err := vlogs.Free(p.cfg.Data); err == nil {
			metrics.WriteGaugeUint64(w, "bluetrail_disk_free_bytes", uint64(free))
			full := uint64(0)
			if free < vlogs.LeastFree {
				full = 1
			}
			metrics.WriteGaugeUint64(w, "bluetrail_ingest_disk_full", full)
		}
		now := stored()
		metrics.WriteGaugeUint64(w, "bluetrail_store_events", now.Events)
		metrics.WriteGaugeUint64(w, "bluetrail_store_bytes", now.Bytes)
		metrics.WriteGaugeUint64(w, "bluetrail_store_parts", now.Parts)
		metrics.WriteGaugeUint64(w, "bluetrail_store_partitions", uint64(now.Days))
		if now.err == nil {
			metrics.WriteGaugeUint64(w, "bluetrail_store_damaged_days", uint64(now.alarms))
			metrics.WriteGaugeUint64(w, "bluetrail_store_last_check_timestamp_seconds", uint64(max(0, now.checked.Unix())))
		}
	})
}
