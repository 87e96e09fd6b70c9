package output

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"bluetrail/internal/alert/message"
	"bluetrail/internal/alert/send"
	"bluetrail/internal/state"
)

// worker sends what waits for one output, a message at a time.
type worker struct {
	d     *Delivery
	o     *send.Output
	quiet quiet
	wake  chan struct{} // something may be due

	sent    int         // messages
	recent  []time.Time // when batches were sent within the last minute, for the rate limit
	crowded bool        // the limit was reached: what waits is sent as a digest
	alone   int         // so many are sent one by one, since one of a digest is refused
	streak  int         // failed tries since the last success
	failing time.Time   // since when
	pause   time.Time   // until when nothing is tried
}

// atOnce bounds a digest.
const atOnce = 200

// idle is how long a worker waits that has nothing to do.
const idle = time.Hour

// step sends one batch and returns how long to wait before the next. flush does not wait
// for the end of digests. The error is one of the state.
func (w *worker) step(ctx context.Context, flush bool) (time.Duration, error) {
	now := w.d.now()
	if now.Before(w.pause) {
		return w.pause.Sub(now), nil
	}
	if wait := w.limit(now); wait > 0 {
		w.crowded = true
		return wait, nil
	}
	list, err := w.d.db.BatchDeliveries(w.o.Name, now.UnixMilli())
	if err != nil {
		return 0, err
	}
	if len(list) == 0 {
		wait := time.Duration(0)
		if list, wait, err = w.gather(now, flush); err != nil || len(list) == 0 {
			return wait, err
		}
	}
	b := message.Batch{Key: list[0].Key, Messages: make([]message.Message, len(list))}
	if len(list) > 1 {
		b.Key = list[0].Batch
	}
	for i := range list {
		if err := json.Unmarshal(list[i].Body, &b.Messages[i]); err != nil {
			return 0, w.d.db.Write(func(tx *state.Tx) error {
				return tx.BuryDeliveries([]int64{list[i].ID}, "it cannot be read")
			})
		}
	}
	w.recent = append(w.recent, now)
	_, err = w.o.Send(ctx, &b)
	if ctx.Err() != nil {
		return 0, nil
	}
	if err != nil {
		return 0, w.failed(list, err)
	}
	w.sent += len(list)
	w.streak, w.crowded, w.failing = 0, false, time.Time{}
	w.alone = max(0, w.alone-1)
	return 0, w.d.db.Write(func(tx *state.Tx) error {
		if err := tx.EndDeliveries(ids(list)); err != nil {
			return err
		}
		return tx.Sent(w.o.Name, len(list))
	})
}

// limit returns how long the rate limit holds.
func (w *worker) limit(now time.Time) time.Duration {
	for len(w.recent) > 0 && now.Sub(w.recent[0]) >= time.Minute {
		w.recent = w.recent[1:]
	}
	if w.o.PerMinute == 0 {
		w.recent = nil
		return 0
	}
	if len(w.recent) < w.o.PerMinute {
		return 0
	}
	return w.recent[0].Add(time.Minute).Sub(now)
}

// gather returns what is sent next: the first that is due or, put down as a digest, all
// of them.
func (w *worker) gather(now time.Time, flush bool) ([]state.Delivery, time.Duration, error) {
	list, err := w.d.db.DueDeliveries(w.o.Name, now.UnixMilli(), atOnce)
	if err != nil || len(list) == 0 {
		return nil, idle, err
	}
	if end := w.quiet.until(now); !end.IsZero() {
		var wait []int64
		loud := list[:0:0]
		for _, d := range list {
			var m message.Message
			if json.Unmarshal(d.Body, &m) == nil && !w.quiet.breaks(&m) {
				wait = append(wait, d.ID)
				continue
			}
			loud = append(loud, d)
		}
		if len(wait) > 0 {
			err := w.d.db.Write(func(tx *state.Tx) error { return tx.PostponeDeliveries(wait, end.UnixMilli()) })
			if err != nil {
				return nil, 0, err
			}
		}
		if list = loud; len(list) == 0 {
			return nil, 0, nil // there may be more
		}
	}
	oldest := now
	held := 0 // by quiet hours
	for _, d := range list {
		at := time.UnixMilli(d.Queued)
		if at.Before(oldest) {
			oldest = at
		}
		if end := w.quiet.until(at); !end.IsZero() && !now.Before(end) {
			held++
		}
	}
	if w.alone > 0 {
		return list[:1], 0, nil
	}
	if wait := oldest.Add(w.o.Digest).Sub(now); w.o.Digest > 0 && wait > 0 && !flush {
		return nil, wait, nil
	}
	if len(list) == 1 || w.o.Digest == 0 && !w.crowded && held < 2 {
		return list[:1], 0, nil
	}
	key := newKey()
	for i := range list {
		list[i].Batch = key
	}
	return list, 0, w.d.db.Write(func(tx *state.Tx) error { return tx.SetBatch(ids(list), key) })
}

// failed notes a failed try. What is refused for good is given up at once, alone.
func (w *worker) failed(list []state.Delivery, cause error) error {
	now := w.d.now()
	var f *send.Failure
	errors.As(cause, &f)
	if f.Final && len(list) > 1 {
		w.alone = len(list)
		return w.d.db.Write(func(tx *state.Tx) error { return tx.SetBatch(ids(list), "") })
	}
	w.alone = max(0, w.alone-1)
	if w.streak++; w.streak == 1 {
		w.failing = now
	}
	wait := max(backoff(w.streak), f.After)
	w.pause = now.Add(wait)
	if f.Final {
		w.pause = time.Time{} // others may be taken
	}
	w.d.log.Warn("an output failed", keyOutput, w.o.Name, keyErr, f.Reason, "failures", w.streak, "again_in", wait.Round(time.Second).String())
	var dead, again []int64
	due := now.Add(wait)
	for _, d := range list {
		since := time.UnixMilli(d.Queued)
		if since.Before(w.failing) {
			since = w.failing
		}
		if f.Final || d.Tries+1 >= w.o.Tries || now.Sub(since) >= w.o.GiveUp {
			dead = append(dead, d.ID)
			continue
		}
		again = append(again, d.ID)
	}
	return w.d.db.Write(func(tx *state.Tx) error {
		if err := tx.BuryDeliveries(dead, f.Reason); err != nil {
			return err
		}
		if err := tx.FailDeliveries(again, due.UnixMilli(), f.Reason); err != nil {
			return err
		}
		if now.Sub(w.failing) >= w.o.GiveUp { // what waits behind them is as old
			if _, err := tx.BuryOld(w.o.Name, now.Add(-w.o.GiveUp).UnixMilli(), maxWaiting, f.Reason); err != nil {
				return err
			}
		}
		return tx.Failed(w.o.Name, f.Reason)
	})
}

// Bounds of the wait after failures.
const (
	firstWait = time.Second
	longWait  = 5 * time.Minute
)

// backoff returns how long to wait after so many failures in a row: twice as long each
// time, and anything from half of that on, so that outputs do not retry in step.
func backoff(streak int) time.Duration {
	d := longWait
	if n := streak - 1; n < 20 {
		d = min(firstWait<<n, longWait)
	}
	return d/2 + rand.N(d/2+1)
}

func ids(list []state.Delivery) []int64 {
	out := make([]int64, len(list))
	for i := range list {
		out[i] = list[i].ID
	}
	return out
}
