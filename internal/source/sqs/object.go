package sqs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws"
	s3bucket "bluetrail/internal/aws/bucket"
	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/event"
	"bluetrail/internal/source"
)

// maxBuckets bounds the buckets whose regions are remembered: where messages may point to
// any bucket, they may name any number of them.
const maxBuckets = 1000

// S3 fetches objects from S3, from buckets of any region.
type S3 struct {
	client *aws.Client

	mu      sync.Mutex
	buckets map[string]*s3bucket.Bucket
}

var _ Objects = (*S3)(nil)

// NewS3 returns the objects that a client reaches. It sends no request.
func NewS3(client *aws.Client) *S3 {
	return &S3{client: client, buckets: map[string]*s3bucket.Bucket{}}
}

// Get implements Objects.
func (s *S3) Get(ctx context.Context, o *Object, wanted func(source.Batch) bool) (io.ReadCloser, error) {
	b := s.bucket(o.Bucket)
	content, err := b.GetIf(ctx, s3bucket.Object{Key: o.Key, Version: o.Version, Size: -1}, func(head s3bucket.Object) bool { return wanted(batchOf(b, &head)) })
	switch {
	case err != nil && gone(err):
		return nil, fmt.Errorf("%w%w", err, ErrNever)
	case err != nil:
		return nil, err
	case content == nil:
		return nil, nil
	}
	return content, nil
}

// bucket returns the bucket of a name.
func (s *S3) bucket(name string) *s3bucket.Bucket {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[name]
	if b == nil {
		if len(s.buckets) >= maxBuckets {
			clear(s.buckets)
		}
		b = s3bucket.New(s.client, name)
		s.buckets[name] = b
	}
	return b
}

// batchOf identifies an object and says what is known about it.
func batchOf(in *s3bucket.Bucket, o *s3bucket.Object) source.Batch {
	url := in.URL(o.Key)
	b := source.Batch{
		// Stream: records without eventID belong to this key, even if another object has
		// the same content.
		Name: url, Key: url, Stream: url, Size: o.Size, Changed: o.Changed, Print: o.Print(),
		Meta: event.Meta{Source: url, Fallback: o.Changed.UnixNano(), Guessed: true},
	}
	if k, ok := trailkey.Parse(o.Key); ok {
		b.Digest = k.Digest()
	}
	if at := trailkey.Delivered(o.Key[strings.LastIndexByte(o.Key, '/')+1:]); !at.IsZero() {
		b.Meta.Fallback, b.Meta.Guessed = at.UnixNano(), false
	} else if o.Changed.IsZero() {
		b.Meta.Fallback = time.Now().UnixNano()
	}
	return b
}

// gone reports whether another try to get an object will fail in the same way.
func gone(err error) bool {
	var f *aws.Fault
	if !errors.As(err, &f) {
		return false
	}
	switch f.Code {
	case "NoSuchKey", "NoSuchVersion", "NotFound", "InvalidObjectState", "MethodNotAllowed":
		return true
	}
	return false
}
