package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"bluetrail/internal/state"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// disposers is how many requests delete messages side by side.
const disposers = 4

// gather is how long a request that deletes messages waits for more of them.
const gather = 50 * time.Millisecond

// settlePart notes that a part of a message is durable, or why it cannot be had.
func (s *Source) settlePart(m *message, err error, fatal bool) {
	s.mu.Lock()
	if err != nil && (m.failed == nil || !m.fatal && fatal) {
		m.failed, m.fatal = err, fatal
	}
	m.left--
	last := m.left == 0
	s.mu.Unlock()
	if last {
		s.settle(m)
	}
}

// settle has a message deleted, kept as a dead letter or given back. It does not block:
// there is room for all messages that are held.
func (s *Source) settle(m *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.done = true
	if !s.over {
		s.settled <- m
	}
}

// disposer does away with messages that are settled until the source is closed.
func (s *Source) disposer() {
	for m := range s.settled {
		list := append(make([]*message, 0, batchSize), m)
		timer := time.NewTimer(gather)
		for more := true; more && len(list) < batchSize; {
			select {
			case m, ok := <-s.settled:
				if more = ok; ok {
					list = append(list, m)
				}
			case <-timer.C:
				more = false
			}
		}
		timer.Stop()
		s.dispose(list)
	}
}

// dispose does away with up to batchSize messages.
func (s *Source) dispose(list []*message) {
	ctx, cancel := context.WithTimeout(context.Background(), s.o.deadline)
	defer cancel()
	var out, back []*message
	for _, m := range list {
		switch {
		case m.letter > 0:
			s.disposeLetter(m)
		case m.failed == nil:
			out = append(out, m)
		case !m.fatal && m.received < s.o.Tries:
			s.o.Log.Warn("cannot take in a message; it is tried again", "message", m.id, "tries", m.received, "error", m.failed)
			back = append(back, m)
		case s.bury(m):
			out = append(out, m)
		default:
			back = append(back, m)
		}
	}
	s.remove(ctx, out)
	s.giveBack(ctx, back, func(m *message) time.Duration { return min(s.o.pause<<min(m.received, 20), maxPause) })
	s.forget(list)
}

// bury keeps a message as a dead letter; it reports whether it is kept.
func (s *Source) bury(m *message) bool {
	err := s.o.Letters.PutDeadLetter(&state.DeadLetter{Source: s.o.Name, Message: m.id, Reason: m.failed.Error(), Received: m.received, Body: m.body})
	if err != nil {
		s.o.Log.Error("cannot keep a dead letter; its message stays in the queue", "message", m.id, "error", err)
		s.problem(err)
		return false
	}
	s.o.Counts.dead.Add(1)
	s.o.Log.Warn("message became a dead letter", "message", m.id, "tries", m.received, "error", m.failed)
	return true
}

// disposeLetter notes what became of a dead letter that was tried again.
func (s *Source) disposeLetter(m *message) {
	var err error
	if m.failed != nil {
		err = s.o.Letters.FailDeadLetter(m.letter, m.failed.Error())
	} else {
		_, err = s.o.Letters.DropDeadLetter(m.letter)
	}
	if err != nil {
		s.o.Log.Error("cannot write what became of a dead letter", "message", m.id, "error", err)
	}
}

// forget lets go of messages.
func (s *Source) forget(list []*message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range list {
		delete(s.held, m.id)
	}
	s.o.Counts.now.Store(int64(len(s.held)))
	s.room.Broadcast()
}

// remove deletes messages from the queue. One that stays there comes again, and none of
// its events is new then.
func (s *Source) remove(ctx context.Context, list []*message) {
	if len(list) == 0 {
		return
	}
	s.mu.Lock()
	entries := make([]types.DeleteMessageBatchRequestEntry, len(list))
	for i, m := range list {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.handle)}
	}
	s.mu.Unlock()
	out, err := s.o.Client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &s.o.Queue, Entries: entries})
	if err == nil {
		s.o.Counts.deleted.Add(uint64(len(out.Successful)))
		err = failures(out.Failed)
	}
	if err != nil {
		s.o.Counts.failures.Add(1)
		s.o.Log.Warn("cannot delete messages; they come again, and their events are known then", "error", err)
	}
}

// failures makes an error of what SQS could not do.
func failures(list []types.BatchResultErrorEntry) error {
	if len(list) == 0 {
		return nil
	}
	return fmt.Errorf("%d requests failed, the first with %s: %s", len(list), aws.ToString(list[0].Code), aws.ToString(list[0].Message))
}

// giveBack makes messages visible again after a time.
func (s *Source) giveBack(ctx context.Context, list []*message, after func(*message) time.Duration) error {
	if len(list) == 0 {
		return nil
	}
	s.mu.Lock()
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(list))
	for i, m := range list {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(m.handle), VisibilityTimeout: seconds(after(m))}
	}
	s.mu.Unlock()
	out, err := s.o.Client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &s.o.Queue, Entries: entries})
	if err == nil {
		err = failures(out.Failed)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		s.o.Counts.failures.Add(1)
		s.o.Log.Warn("cannot change when messages become visible", "error", err)
	}
	return err
}

// keepHidden puts off that messages which are held become visible, until the source is
// closed.
func (s *Source) keepHidden() {
	for s.sleep(max(s.o.Visibility/8, 10*time.Millisecond)) {
		for {
			now := time.Now()
			var due []*message
			s.mu.Lock()
			for _, m := range s.held {
				if m.letter == 0 && !m.done && m.visible.Sub(now) < s.o.Visibility/2 {
					if due = append(due, m); len(due) == batchSize {
						break
					}
				}
			}
			for _, m := range due { // once, even if it fails: others are due, too
				m.visible = now.Add(s.o.Visibility)
			}
			s.mu.Unlock()
			if len(due) == 0 {
				break
			}
			if s.giveBack(s.ctx, due, func(*message) time.Duration { return s.o.Visibility }) == nil {
				s.o.Counts.extended.Add(uint64(len(due)))
			}
		}
	}
}

// release gives back all that is held when the source is closed.
func (s *Source) release() {
	ctx, cancel := context.WithTimeout(context.Background(), s.o.deadline)
	defer cancel()
	s.o.Counts.now.Store(0)
	var list []*message
	for _, m := range s.held {
		if m.letter == 0 {
			list = append(list, m)
		}
	}
	for len(list) > 0 && ctx.Err() == nil {
		n := min(len(list), batchSize)
		if s.giveBack(ctx, list[:n], func(*message) time.Duration { return 0 }) != nil {
			return // they become visible later
		}
		list = list[n:]
	}
}
