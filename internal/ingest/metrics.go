package ingest

import (
	"io"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/store/vlogs"

	"github.com/VictoriaMetrics/metrics"
)

// counts are what a pipeline did since it was opened.
type counts struct {
	events, bytes, duplicates, problems, commits, commitTime atomic.Int64
}

// infoAge is how old the counts of the store may be that metrics show: the engine
// goes through its parts for them.
const infoAge = 5 * time.Second

// Measure adds the pipeline's metrics to a set.
func (p *Pipeline) Measure(set *metrics.Set) {
	var mu sync.Mutex
	var info vlogs.Info
	var asked time.Time
	stored := func() vlogs.Info {
		mu.Lock()
		defer mu.Unlock()
		if asked.IsZero() || time.Since(asked) >= infoAge {
			info, asked = p.store.Info(), time.Now()
		}
		return info
	}
	set.RegisterMetricsWriter(func(w io.Writer) {
		c := &p.counts
		metrics.WriteCounterUint64(w, "bluetrail_ingest_events_total", uint64(c.events.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_ingest_bytes_total", uint64(c.bytes.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_ingest_duplicates_total", uint64(c.duplicates.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_ingest_problems_total", uint64(c.problems.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_ingest_commits_total", uint64(c.commits.Load()))
		metrics.WriteCounterFloat64(w, "bluetrail_ingest_commit_seconds_total", time.Duration(c.commitTime.Load()).Seconds())
		metrics.WriteGaugeUint64(w, "bluetrail_ingest_queued_files", uint64(len(p.jobs)))
		now := stored()
		metrics.WriteGaugeUint64(w, "bluetrail_store_events", now.Events)
		metrics.WriteGaugeUint64(w, "bluetrail_store_bytes", now.Bytes)
		metrics.WriteGaugeUint64(w, "bluetrail_store_parts", now.Parts)
	})
}
