package live

import (
	"context"
	"fmt"
	"time"

	"bluetrail/internal/actor"
	"bluetrail/internal/detect/engine"
	"bluetrail/internal/detect/match"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/sigma"
	"bluetrail/internal/event"
	"bluetrail/internal/identity"
	"bluetrail/internal/ingest"
)

// sampleEvery is how many events lie between those on which rules are timed.
const sampleEvery = 512

// trailOfWorker is the memory for what a worker learns of callers between two commits.
const trailOfWorker = 64 << 20

// worker evaluates the rules on the events of one builder. What comes of it waits for
// the commit.
type worker struct {
	sink    *Sink
	of      *ruleset.Ruleset
	downs   int64 // that the scanner knows
	scanner *engine.Scanner
	trail   *identity.Trail
	calls   *actor.Recorder
	rec     engine.Record
	matches []*match.Match
	hits    []int64 // by position
	buf     []byte
	sample  func(rule int, took time.Duration) // nil once the first event was timed
}

// use makes the worker's scanner. After a panic, the old one is not used any more.
func (w *worker) use() error {
	rs := w.sink.of
	scanner, err := engine.NewScanner(context.Background(), rs, w.sink.rules.cfg.Geo, w.trail)
	if err != nil {
		return fmt.Errorf("cannot evaluate the rules: %w", err)
	}
	scanner.Record(w.calls)
	w.sample = func(rule int, took time.Duration) { w.sink.rules.observe(rs, rule, took) }
	scanner.Sample(1, w.sample) // the first event
	if w.of != rs {
		w.of, w.hits = rs, make([]int64, len(rs.Rules))
	}
	w.scanner, w.downs = scanner, -1
	return nil
}

// skip leaves out the rules that were disabled meanwhile.
func (w *worker) skip() {
	downs := w.sink.rules.downs.Load()
	if downs == w.downs {
		return
	}
	for i := range w.of.Rules {
		if r := &w.of.Rules[i]; r.Correlation == nil && w.sink.rules.isDisabled(r.ID) {
			w.scanner.Skip(i)
		}
	}
	w.downs = downs
}

// Event implements ingest.SinkWorker.
func (w *worker) Event(e *ingest.Event) error {
	if e.Meta.Sourcetype != event.CloudTrail {
		return nil
	}
	if w.of != w.sink.of { // which only a commit changes
		if err := w.use(); err != nil {
			return err
		}
	}
	w.skip()
	err := w.scan(e)
	if w.sample != nil {
		w.scanner.Sample(sampleEvery, w.sample)
		w.sample = nil
	}
	if err == nil {
		return nil
	}
	// A rule failed. Find out which, and go on without it.
	rules := w.sink.rules
	for i := range w.of.Rules {
		if r := &w.of.Rules[i]; r.Off == "" && !rules.isDisabled(r.ID) {
			if reason := w.try(r, e); reason != "" {
				rules.disable(w.of, i, reason)
			}
		}
	}
	if err := w.use(); err != nil {
		return err
	}
	w.skip()
	if again := w.scan(e); again != nil { // not the fault of a rule; the event is worth more than what they say of it
		rules.counts.failed.Add(1)
		rules.cfg.Log.Error("the rules cannot be evaluated on an event; please report it", "event", fmt.Sprintf("%x", e.ID), "err", again)
		return w.use()
	}
	return nil
}

// scan evaluates all rules on an event. The error is also the panic of a rule; nothing
// was noted then.
func (w *worker) scan(e *ingest.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	w.rec = engine.Record{Raw: e.Raw, Meta: e.Meta, Time: e.Time, Arrival: e.Arrival, ID: e.ID, Given: e.Given}
	m, err := w.scanner.Scan(&w.rec)
	if m == nil || err != nil {
		return err
	}
	if hit := w.sink.rules.cfg.hit; hit != nil {
		for _, i := range m.Rules {
			hit(&w.of.Rules[i].Info, e.Raw)
		}
	}
	for _, i := range m.Rules {
		w.hits[i]++
	}
	w.buf = m.Append(w.buf[:0])
	own := &match.Match{}
	if err := own.Decode(w.buf); err != nil {
		return err
	}
	w.matches = append(w.matches, own)
	return nil
}

// try evaluates one rule and says how it fails, "" if it does not.
func (w *worker) try(r *ruleset.Rule, e *ingest.Event) (reason string) {
	defer func() {
		if p := recover(); p != nil {
			reason = fmt.Sprintf("it failed: %v", p)
		}
	}()
	cfg := &w.sink.rules.cfg
	matches := false
	switch {
	case r.Event != nil:
		sigma.NewSet([]*sigma.Rule{r.Event}).NewEvaluator().Evaluate(e.Raw, "", "", func(int) { matches = true })
	case r.Search != nil && r.Search.Stateless():
		ev, err := r.Search.NewEvaluator(context.Background(), cfg.Geo)
		if err == nil {
			matches, err = ev.Match(e.Raw, e.Meta)
		}
		if err != nil {
			return fmt.Sprintf("it failed: %v", err)
		}
	}
	if matches && cfg.hit != nil {
		cfg.hit(&r.Info, e.Raw)
	}
	return ""
}

// take hands over what came since the last commit.
func (w *worker) take() []*match.Match {
	list := w.matches
	w.matches = nil
	return list
}
