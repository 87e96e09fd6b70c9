package ingest

import (
	"context"
	"errors"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
)

// Sink sees every new event once, and writes what comes of it in the transaction that
// makes the event durable. What a crash leaves stored behind the checkpoint is shown
// again, since nothing of it was written. A Sink that is an io.Closer is closed with the
// pipeline, after the last commit, unless the pipeline has failed.
type Sink interface {
	// Worker returns a worker. There is one for each core; they work side by side.
	Worker() SinkWorker
	// Commit writes what came of the events that the workers saw since it was called
	// last. No worker works meanwhile. An error ends the pipeline.
	Commit(tx *state.Tx) error
	// Committed is called when the transaction is durable.
	Committed()
}

// SinkWorker looks at events. It is for one goroutine at a time and keeps nothing of
// an event.
type SinkWorker interface {
	Event(e *Event) error
}

// Event is a new event on its way into the store.
type Event struct {
	Raw     []byte
	Meta    *event.Meta
	Time    int64    // unix nanoseconds
	Arrival int64    // likewise; all events of a batch have the same
	ID      [16]byte // identifies the record
	Given   bool     // ID is derived from its eventID
}

// arrival is when the events of a batch arrived.
func arrival(batch int64) int64 { return batch * int64(time.Millisecond) }

// show shows the records of a portion to a worker.
func (part *portion) show(w SinkWorker, y *yielding) error {
	for _, r := range part.records {
		if r.seen {
			continue
		}
		y.yield(context.Background())
		meta := r.own()
		if err := w.Event(&Event{Raw: r.raw, Meta: &meta, Time: r.time, Arrival: arrival(part.batch), ID: r.id, Given: r.given}); err != nil {
			return err
		}
	}
	return nil
}

// showStored shows an event that a crash left behind the checkpoint.
func showStored(w SinkWorker, e *vlogs.Stored) error {
	meta := e.Meta
	meta.Fallback = e.Time
	return w.Event(&Event{Raw: e.Raw, Meta: &meta, Time: e.Time, Arrival: arrival(e.Batch), ID: e.ID, Given: e.Given})
}

// sinkCommit returns what the sink writes with a checkpoint, nil without a sink.
func (p *Pipeline) sinkCommit() func(*state.Tx) error {
	if p.sink == nil {
		return nil
	}
	return p.sink.Commit
}

// openSink makes the sink. The state is open.
func (p *Pipeline) openSink() (err error) {
	if p.cfg.Sink == nil {
		return nil
	}
	if p.sink, err = p.cfg.Sink(p.state); err == nil && p.sink == nil {
		err = errors.New("there is no sink")
	}
	return err
}
