// Package sqs takes in what the messages of an SQS queue announce: objects of S3, and
// events that EventBridge delivers. A message leaves its queue once all that it announces
// is durable, or once it is kept as a dead letter.
package sqs

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// API is what the source asks of SQS.
type API interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// Letters keeps dead letters: *state.DB.
type Letters interface {
	PutDeadLetter(*state.DeadLetter) error
	FailDeadLetter(id int64, reason string) error
	DropDeadLetter(id int64) (bool, error)
	DeadLettersToRetry(source string) ([]state.DeadLetter, error)
}

// Options say which queue is read and how.
type Options struct {
	Name    string // of the source, under which dead letters are kept
	Queue   string // URL
	Client  API
	Objects Objects
	Letters Letters
	// Buckets are the buckets, or bucket/prefix, that messages may point to; * = any.
	Buckets []string
	Meta    event.Meta // replaces what objects tell; empty fields do not
	Limits  file.Limits
	Log     *slog.Logger
	Counts  *Counts // may be nil
	// Problem is called with why the queue cannot be read, once until it changes, and
	// with nil when it can be read again. May be nil.
	Problem func(error)

	Tries      int           // of a message until it becomes a dead letter, 0 = DefaultTries
	Visibility time.Duration // 0 = DefaultVisibility
	Receivers  int           // calls that ask for messages side by side while the queue is full, 0 = 4, at most 64
	Fetchers   int           // objects that are fetched side by side, 0 = 32

	wait     time.Duration // of a long poll, 0 = the most that SQS allows
	maxHeld  int           // messages that are held at once, 0 = maxHeld
	pause    time.Duration // after the first failure of a request or message, 0 = firstPause
	retry    time.Duration // between looks for dead letters to try again, 0 = retryEvery
	deadline time.Duration // of what Close still sends, 0 = closeTime
}

// Defaults of Options.
const (
	DefaultTries      = 10
	DefaultVisibility = 2 * time.Minute
)

const (
	longPoll = 20 * time.Second
	maxHeld  = 4096
	// spareHeld is by how many receivers may pass maxHeld: each asks for a batch once
	// there is room.
	spareHeld  = 1024
	firstPause = 5 * time.Second
	maxPause   = 15 * time.Minute
	retryEvery = 5 * time.Second
	closeTime  = 10 * time.Second
	// batchSize is how many messages one request of SQS concerns.
	batchSize = 10
)

// Source reads a queue. It has no end. It holds at most 4096 messages and 64 MiB of
// objects that wait to be read.
type Source struct {
	o       Options
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup // all goroutines but the disposers
	ready   chan *source.Batch
	fetch   chan task
	settled chan *message
	ending  sync.WaitGroup // disposers
	memory  *budget

	mu    sync.Mutex
	room  sync.Cond
	held  map[string]*message // by ID
	told  string              // the last problem
	full  atomic.Bool         // the last call brought as many messages as it may
	ended bool                // no message is to be received any more
	over  bool                // settled is closed
}

var _ source.Source = (*Source)(nil)

// New starts reading a queue; Close must be called.
func New(o Options) *Source {
	o.Tries = cmp.Or(o.Tries, DefaultTries)
	o.Visibility = cmp.Or(o.Visibility, DefaultVisibility)
	o.Receivers = min(cmp.Or(o.Receivers, 4), 64)
	o.Fetchers = cmp.Or(o.Fetchers, 32)
	o.wait = cmp.Or(o.wait, longPoll)
	o.maxHeld = cmp.Or(o.maxHeld, maxHeld)
	o.pause = cmp.Or(o.pause, firstPause)
	o.retry = cmp.Or(o.retry, retryEvery)
	o.deadline = cmp.Or(o.deadline, closeTime)
	if o.Limits == (file.Limits{}) {
		o.Limits = file.DefaultLimits()
	}
	if o.Counts == nil {
		o.Counts = &Counts{}
	}
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Source{
		o: o, ready: make(chan *source.Batch), fetch: make(chan task), settled: make(chan *message, o.maxHeld+spareHeld),
		memory: newBudget(maxMemory), held: map[string]*message{},
	}
	s.room.L = &s.mu
	s.ctx, s.stop = context.WithCancel(context.Background())
	for i := range o.Receivers {
		s.running.Go(func() { s.receive(i) })
	}
	for range o.Fetchers {
		s.running.Go(s.fetcher)
	}
	s.running.Go(s.keepHidden)
	s.running.Go(s.retryLetters)
	for range disposers {
		s.ending.Go(s.disposer)
	}
	return s
}

// Next implements source.Source. Its error is that of ctx.
func (s *Source) Next(ctx context.Context) (*source.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case b := <-s.ready:
		return b, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends the source: messages whose records are durable are deleted, all others
// become visible to other readers of the queue. No Next may be under way. An Ack that
// follows has no effect.
func (s *Source) Close() {
	s.stop()
	s.mu.Lock()
	s.ended = true
	s.room.Broadcast()
	s.mu.Unlock()
	s.memory.close()
	s.running.Wait()
	s.mu.Lock()
	s.over = true
	close(s.settled)
	s.mu.Unlock()
	s.ending.Wait()
	s.release()
}

// allowed reports whether a message may point to an object.
func (s *Source) allowed(o *Object) bool {
	return slices.ContainsFunc(s.o.Buckets, func(b string) bool {
		bucket, prefix, _ := strings.Cut(b, "/")
		return b == "*" || bucket == o.Bucket && strings.HasPrefix(o.Key, prefix)
	})
}

func (s *Source) problem(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	s.mu.Lock()
	changed := text != s.told
	s.told = text
	s.mu.Unlock()
	if changed {
		s.o.Problem(err)
	}
}

// sleep waits; it reports whether the source is still open.
func (s *Source) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.ctx.Done():
		return false
	}
}
