package main

import (
	"io"

	"bluetrail/internal/serve"

	"github.com/VictoriaMetrics/metrics"
)

// measure adds the metrics of ingest, of the store and of searches.
func (s *server) measure() {
	s.pipeline.Measure(s.metrics, func(err error) { s.log.Error("some metrics of the store cannot be read", serve.KeyErr, err) })
	s.shares.searches.Measure(s.metrics)
	if s.rules != nil {
		s.rules.Measure(s.metrics)
	}
	s.shares.set(s.cfg.Search)
	db := s.pipeline.State()
	s.metrics.RegisterMetricsWriter(func(w io.Writer) {
		if _, n, err := db.DeadLetters("", 0); err == nil {
			metrics.WriteGaugeUint64(w, "bluetrail_dead_letters", uint64(n))
		}
	})
	held, spilled := s.shares.held, s.shares.spilled
	s.metrics.RegisterMetricsWriter(func(w io.Writer) {
		metrics.WriteGaugeUint64(w, "bluetrail_search_memory_bytes", uint64(max(0, held.Used())))
		if spilled != nil {
			metrics.WriteGaugeUint64(w, "bluetrail_search_spilled_bytes", uint64(max(0, spilled.Used())))
		}
	})
}
