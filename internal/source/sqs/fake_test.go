package sqs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queue is a queue in memory that behaves as SQS does: a message is hidden for a while
// after it was received, and delivered again unless it was deleted by then.
type queue struct {
	mu       sync.Mutex
	messages []*queued
	n        int
	twice    int // every so many messages are delivered twice at once, 0 = none
	refuse   error
	deleted  int
	noDelete bool // answers of deletions are lost, and the deletion with them
}

type queued struct {
	id, body string
	visible  time.Time
	received int
}

func (q *queue) put(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, body := range bodies {
		q.n++
		q.messages = append(q.messages, &queued{id: strconv.Itoa(q.n), body: body})
	}
}

func (q *queue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.messages)
}

func (q *queue) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	for end := time.Now().Add(20 * time.Millisecond); ; {
		q.mu.Lock()
		if err := q.refuse; err != nil {
			q.mu.Unlock()
			return nil, err
		}
		out := &sqs.ReceiveMessageOutput{}
		now := time.Now()
		for _, m := range q.messages {
			if len(out.Messages) >= int(in.MaxNumberOfMessages)-1 {
				break
			}
			if m.visible.After(now) {
				continue
			}
			m.visible = now.Add(time.Duration(in.VisibilityTimeout) * time.Second)
			for n := 1; ; n++ {
				m.received++
				out.Messages = append(out.Messages, types.Message{
					MessageId: aws.String(m.id), Body: aws.String(m.body), ReceiptHandle: aws.String(m.id + "/" + strconv.Itoa(m.received)),
					Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.received)},
				})
				if q.twice == 0 || n > 1 || m.received%q.twice != 0 {
					break
				}
			}
		}
		q.mu.Unlock()
		if len(out.Messages) > 0 || time.Now().After(end) {
			return out, nil
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *queue) find(handle *string) int {
	for i, m := range q.messages {
		if aws.ToString(handle) == m.id+"/"+strconv.Itoa(m.received) {
			return i
		}
	}
	return -1
}

func (q *queue) DeleteMessageBatch(_ context.Context, in *sqs.DeleteMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.noDelete {
		return nil, errors.New("connection reset")
	}
	out := &sqs.DeleteMessageBatchOutput{}
	for _, e := range in.Entries {
		if i := q.find(e.ReceiptHandle); i >= 0 {
			q.messages = append(q.messages[:i], q.messages[i+1:]...)
			q.deleted++
			out.Successful = append(out.Successful, types.DeleteMessageBatchResultEntry{Id: e.Id})
		} else {
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, Code: aws.String("ReceiptHandleIsInvalid")})
		}
	}
	return out, nil
}

func (q *queue) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, e := range in.Entries {
		if i := q.find(e.ReceiptHandle); i >= 0 {
			q.messages[i].visible = time.Now().Add(time.Duration(e.VisibilityTimeout) * time.Second)
		}
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// bucket is a bucket in memory.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	failing map[string]int // how often an object cannot be had yet
}

func (b *bucket) Get(_ context.Context, o *Object, wanted func(source.Batch) bool) (io.ReadCloser, error) {
	key := o.Key
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failing[key] > 0 {
		b.failing[key]--
		return nil, errors.New("503 SlowDown")
	}
	data, ok := b.objects[key]
	if !ok {
		return nil, fmt.Errorf("the object is gone%w", ErrNever)
	}
	place := "s3://" + o.Bucket + "/" + key
	if !wanted(source.Batch{Name: place, Key: place, Size: int64(len(data)), Changed: time.Unix(1, 0), Print: 1, Meta: event.Meta{Source: place}}) {
		return nil, nil
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// uuid returns the n-th eventID.
func uuid(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// record returns the n-th event.
func record(n int) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":"%s","eventTime":"2026-03-01T10:%02d:00Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1"}`, uuid(n), n%60)
}

// object returns a file with the events from one number to before another.
func object(from, to int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for n := from; n < to; n++ {
		if n > from {
			b.WriteByte(',')
		}
		b.WriteString(record(n))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// announce returns the notification of an object.
func announce(key string) string {
	return `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"trail"},"object":{"key":"` + key + `","size":9}}}]}`
}
