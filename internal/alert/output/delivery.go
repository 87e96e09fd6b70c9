package output

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/send"
	"bluetrail/internal/config"
	"bluetrail/internal/state"
)

// Keys of log lines.
const (
	keyOutput = "output"
	keyErr    = "err"
)

// Delivery takes what is in the outbox to the outputs.
type Delivery struct {
	db      *state.DB
	cfg     *config.Config
	log     *slog.Logger
	outputs []*send.Output
	workers []*worker
	now     func() time.Time
	patient time.Duration // how long Drain waits for an output that failed
}

// Open prepares the delivery to the outputs of a configuration.
func Open(db *state.DB, cfg *config.Config, log *slog.Logger) (*Delivery, error) {
	d := &Delivery{db: db, cfg: cfg, log: log, now: time.Now, patient: drainWait}
	for i := range cfg.Outputs {
		o, err := send.Open(cfg.Outputs[i])
		if err != nil {
			return nil, err
		}
		q := quiet{Quiet: o.Quiet}
		zone := q.TimeZone
		if zone == "" {
			zone = cfg.TimeZone
		}
		if q.zone, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("output %q: %w", o.Name, err)
		}
		d.outputs = append(d.outputs, o)
		d.workers = append(d.workers, &worker{d: d, o: o, quiet: q, wake: make(chan struct{}, 1)})
	}
	return d, nil
}

// Check reports what is wrong with the outputs of a configuration that the configuration
// itself does not show, such as their templates.
func Check(cfg *config.Config) error {
	_, err := Open(nil, cfg, nil)
	return err
}

// Bounds of the outbox.
const (
	routedAtOnce = 100
	maxWaiting   = 50_000 // deliveries of one output; beyond it the oldest are given up
	maxDead      = 10_000 // given-up deliveries of one output
)

// Waits of the loops.
const (
	lookAfter  = 100 * time.Millisecond // for what came into the outbox
	workAfter  = 2 * time.Second        // for what people made due again
	retryState = 5 * time.Second        // after the state could not be read or written
	drainWait  = 10 * time.Second
)

// Run delivers until ctx ends. What is under way then is told again by the next run.
func (d *Delivery) Run(ctx context.Context) error {
	var running sync.WaitGroup
	loop := func(name string, wake chan struct{}, step func() (time.Duration, error)) {
		running.Go(func() {
			for ctx.Err() == nil {
				wait, err := step()
				if err != nil && ctx.Err() == nil {
					d.log.Error("outputs cannot use the state; retrying", keyOutput, name, keyErr, err)
					wait = retryState
				}
				select {
				case <-time.After(wait):
				case <-wake:
				case <-ctx.Done():
				}
			}
		})
	}
	loop("", nil, func() (time.Duration, error) {
		n, err := d.route()
		if n == routedAtOnce {
			return 0, err
		}
		return lookAfter, err
	})
	for _, w := range d.workers {
		loop(w.o.Name, w.wake, func() (time.Duration, error) {
			wait, err := w.step(ctx, false)
			return min(wait, workAfter), err
		})
	}
	running.Wait()
	return nil
}

// Drained says what Drain left.
type Drained struct {
	Sent    int
	Waiting []Status // of outputs that could not send everything
}

// Drain routes everything in the outbox and has each output send what it can. It waits
// only shortly for an output that failed, and not for the end of digests.
func (d *Delivery) Drain(ctx context.Context) (Drained, error) {
	var sum Drained
	for {
		n, err := d.route()
		if err != nil {
			return sum, err
		}
		if n < routedAtOnce {
			break
		}
	}
	var running sync.WaitGroup
	errs := make([]error, len(d.workers))
	for i, w := range d.workers {
		running.Go(func() {
			for left := d.patient; errs[i] == nil && ctx.Err() == nil; {
				var wait time.Duration
				if wait, errs[i] = w.step(ctx, true); wait > left {
					return
				}
				left -= wait
				select {
				case <-time.After(wait):
				case <-ctx.Done():
				}
			}
		})
	}
	running.Wait()
	for i, w := range d.workers {
		if errs[i] != nil {
			return sum, errs[i]
		}
		sum.Sent += w.sent
		s, err := d.status(w.o)
		if err != nil {
			return sum, err
		}
		if s.Waiting > 0 {
			sum.Waiting = append(sum.Waiting, s)
		}
	}
	return sum, ctx.Err()
}

// route decides which outputs hear of what came into the outbox, and returns how much
// that was.
func (d *Delivery) route() (int, error) {
	list, err := d.db.Unrouted(routedAtOnce)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	defer func() {
		for _, w := range d.workers {
			select {
			case w.wake <- struct{}{}:
			default:
			}
		}
	}()
	return len(list), d.db.Write(func(tx *state.Tx) error {
		for i := range list {
			var m message.Message
			due := map[string]int64{}
			if err := json.Unmarshal(list[i].Body, &m); err != nil || m.Alert == nil {
				d.log.Error("an entry of the outbox cannot be read; it is removed", "id", list[i].Key, keyErr, err)
			} else {
				to, held := goal(d.cfg, d.outputs, &m)
				for _, name := range to {
					due[name] = list[i].Queued
				}
				for _, name := range held {
					if err := tx.Kept(name, 1, 0); err != nil {
						return err
					}
				}
			}
			if err := tx.Route(&list[i], due); err != nil {
				return err
			}
		}
		return d.tidy(tx)
	})
}

// tidy gives up what waits for outputs that are gone, and bounds the rest. A process
// without any outputs has a configuration for something else.
func (d *Delivery) tidy(tx *state.Tx) error {
	if len(d.outputs) == 0 {
		return nil
	}
	waiting, err := tx.WaitingOutputs()
	if err != nil {
		return err
	}
	for _, name := range waiting {
		most, reason := maxWaiting, fmt.Sprintf("more than %d messages were waiting", maxWaiting)
		if !slices.ContainsFunc(d.outputs, func(o *send.Output) bool { return o.Name == name }) {
			most, reason = 0, "the output is no longer in the configuration"
		}
		n, err := tx.BuryOld(name, 0, most, reason)
		if err != nil {
			return err
		}
		if n > 0 {
			d.log.Error("messages were given up", keyOutput, name, "messages", n, "reason", reason)
		}
		dropped, err := tx.TrimDead(name, maxDead)
		if err != nil {
			return err
		}
		if dropped > 0 {
			if err := tx.Kept(name, 0, dropped); err != nil {
				return err
			}
		}
	}
	return nil
}
