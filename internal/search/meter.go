package search

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"
)

// Meter counts searches. It is safe for concurrent use.
type Meter struct {
	running                  atomic.Int64
	total, failed, cancelled atomic.Int64
	seconds                  *metrics.PrometheusHistogram // nil = not measured
}

// secondsBounds are the upper bounds of the histogram.
var secondsBounds = []float64{0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800}

// Measure adds the metrics of searches to a set, before the first search.
// docs/serve.md lists them.
func (m *Meter) Measure(set *metrics.Set) {
	m.seconds = set.NewPrometheusHistogramExt("bluetrail_search_seconds", secondsBounds)
	set.RegisterMetricsWriter(func(w io.Writer) {
		metrics.WriteGaugeUint64(w, "bluetrail_search_running", uint64(m.running.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_search_total", uint64(m.total.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_search_failed_total", uint64(m.failed.Load()))
		metrics.WriteCounterUint64(w, "bluetrail_search_cancelled_total", uint64(m.cancelled.Load()))
	})
}

// Running returns how many searches are under way.
func (m *Meter) Running() int64 { return m.running.Load() }

func (m *Meter) begin() (start time.Time) {
	m.running.Add(1)
	return time.Now()
}

// errClosed says that a search was closed before its end.
var errClosed = errors.New("closed")

// end counts a search that ended with err, nil = all rows were handed out.
func (m *Meter) end(ctx context.Context, start time.Time, err error) {
	m.running.Add(-1)
	m.total.Add(1)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		m.cancelled.Add(1)
	case errors.Is(err, errClosed): // nobody wanted more rows
	default:
		m.failed.Add(1)
	}
	if m.seconds != nil {
		m.seconds.UpdateDuration(start)
	}
}
