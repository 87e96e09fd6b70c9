package sqs

import (
	"io"
	"strconv"
	"sync/atomic"

	"github.com/VictoriaMetrics/metrics"
)

// Counts count what sources of a queue did. They outlive a Source that is closed and
// opened again.
type Counts struct {
	received, redelivered, deleted, ignored, dead, extended, failures, objects, bytes, events atomic.Uint64
	now                                                                                       atomic.Int64 // messages that are held
}

// Write writes the counts as metrics of a source.
func (c *Counts) Write(w io.Writer, source string) {
	label := "{source=" + strconv.Quote(source) + "}"
	for _, m := range []struct {
		name string
		n    *atomic.Uint64
	}{
		{"bluetrail_sqs_messages_received_total", &c.received}, {"bluetrail_sqs_messages_redelivered_total", &c.redelivered},
		{"bluetrail_sqs_messages_deleted_total", &c.deleted}, {"bluetrail_sqs_messages_ignored_total", &c.ignored},
		{"bluetrail_sqs_dead_letters_total", &c.dead}, {"bluetrail_sqs_visibility_extended_total", &c.extended},
		{"bluetrail_sqs_failures_total", &c.failures}, {"bluetrail_sqs_objects_total", &c.objects},
		{"bluetrail_sqs_object_bytes_total", &c.bytes}, {"bluetrail_sqs_events_total", &c.events},
	} {
		metrics.WriteCounterUint64(w, m.name+label, m.n.Load())
	}
	metrics.WriteGaugeUint64(w, "bluetrail_sqs_messages_held"+label, uint64(max(0, c.now.Load())))
}
