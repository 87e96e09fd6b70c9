package sqs

import (
	"fmt"
	"strconv"
	"time"

	"bluetrail/internal/source"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// message is a message that is held: received, and neither deleted nor given back.
type message struct {
	id       string
	body     string
	received int   // how often it was, this time too
	letter   int64 // the dead letter that it is; 0 = it lies in the queue

	// guarded by Source.mu
	handle  string
	visible time.Time // when others may receive it, unless that is put off
	left    int       // parts that are not settled
	failed  error     // of the first part that failed
	fatal   bool      // another try would fail, too
	done    bool      // it is settled
}

// task is an object that is to be fetched for a message.
type task struct {
	m *message
	o Object
}

// receive asks for messages until the source is closed. All receivers but the first ask
// only while there are many.
func (s *Source) receive(n int) {
	pause := s.o.pause
	for {
		if n > 0 && !s.full.Load() {
			if !s.sleep(min(s.o.pause, time.Second)) {
				return
			}
			continue
		}
		if !s.awaitRoom() {
			return
		}
		asked := time.Now()
		out, err := s.o.Client.ReceiveMessage(s.ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &s.o.Queue, MaxNumberOfMessages: batchSize,
			WaitTimeSeconds: seconds(s.o.wait), VisibilityTimeout: seconds(s.o.Visibility),
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		})
		if s.ctx.Err() != nil {
			return
		}
		if err != nil {
			s.o.Counts.failures.Add(1)
			s.problem(fmt.Errorf("cannot receive messages: %w", err))
			if !s.sleep(pause) {
				return
			}
			pause = min(2*pause, time.Minute)
			continue
		}
		pause = s.o.pause
		s.problem(nil)
		s.full.Store(len(out.Messages) == batchSize)
		for i := range out.Messages {
			if m := s.hold(&out.Messages[i], asked); m != nil {
				s.open(m)
			}
		}
	}
}

// awaitRoom waits until one more batch of messages may be held; it reports whether the
// source is still open.
func (s *Source) awaitRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.held)+batchSize > s.o.maxHeld && !s.ended {
		s.room.Wait()
	}
	return !s.ended
}

// hold notes a message. It returns nil for one that is held already, whose handle it
// renews: SQS delivers some twice.
func (s *Source) hold(in *types.Message, asked time.Time) *message {
	received, _ := strconv.Atoi(in.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	m := &message{
		id: aws.ToString(in.MessageId), body: aws.ToString(in.Body), handle: aws.ToString(in.ReceiptHandle),
		received: max(received, 1), visible: asked.Add(s.o.Visibility),
	}
	s.o.Counts.received.Add(1)
	if m.received > 1 {
		s.o.Counts.redelivered.Add(1)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.held[m.id]; was != nil {
		was.handle, was.visible = m.handle, m.visible
		return nil
	}
	s.held[m.id] = m
	s.o.Counts.now.Store(int64(len(s.held)))
	return m
}

// open hands out what a message announces.
func (s *Source) open(m *message) {
	c, err := Parse(m.body)
	if err == nil {
		for i := range c.Objects {
			if o := &c.Objects[i]; !s.allowed(o) {
				err = fmt.Errorf("the message points to bucket %q, key %.200q, which the configuration does not list in buckets", o.Bucket, o.Key)
				break
			}
		}
	}
	parts := len(c.Objects)
	if c.Record != nil {
		parts = 1
	}
	if err != nil || parts == 0 {
		if err == nil {
			s.o.Counts.ignored.Add(1)
		}
		s.mu.Lock()
		m.failed, m.fatal = err, err != nil
		s.mu.Unlock()
		s.settle(m)
		return
	}
	s.mu.Lock()
	m.left = parts
	s.mu.Unlock()
	if c.Record != nil {
		s.hand(s.carried(m, c.Record))
		return
	}
	for i := range c.Objects {
		select {
		case s.fetch <- task{m, c.Objects[i]}:
		case <-s.ctx.Done():
			return
		}
	}
}

// hand waits until a batch is taken.
func (s *Source) hand(b *source.Batch) bool {
	select {
	case s.ready <- b:
		return true
	case <-s.ctx.Done():
		return false
	}
}

// retryLetters tries dead letters again that somebody asked for.
func (s *Source) retryLetters() {
	for {
		list, err := s.o.Letters.DeadLettersToRetry(s.o.Name)
		if err != nil {
			s.o.Log.Error("cannot retry dead letters", "error", err)
		}
		for i := range list {
			l := &list[i]
			if !s.awaitRoom() {
				return
			}
			m := &message{id: "dead letter " + strconv.FormatInt(l.ID, 10), body: l.Body, received: l.Received + 1, letter: l.ID}
			s.mu.Lock()
			held := s.held[m.id] != nil
			if !held {
				s.held[m.id] = m
			}
			s.mu.Unlock()
			if !held {
				s.open(m)
			}
		}
		if !s.sleep(s.o.retry) {
			return
		}
	}
}

func seconds(d time.Duration) int32 { return int32((d + time.Second - 1) / time.Second) }
