// Package inbucket reads digests and log files in buckets of S3.
package inbucket

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/aws/trailkey"
	"bluetrail/internal/digest"

	"golang.org/x/sync/errgroup"
)

// Objects is what lies below one s3://BUCKET/PREFIX.
type Objects struct {
	bucket *bucket.Bucket
	prefix string
	// Days of delivery that are listed, inclusive; zero = all.
	from, to time.Time
	metadata sync.Map // of digests that were opened, by key, until Meta takes it
}

var _ digest.Objects = (*Objects)(nil)

// New returns the objects at a place that were delivered in a range of time. A digest of
// the range may name objects of the days around it. No request is sent.
func New(client *aws.Client, place string, earliest, latest time.Time) (*Objects, error) {
	name, prefix, err := bucket.Parse(place)
	if err != nil {
		return nil, err
	}
	o := &Objects{bucket: bucket.New(client, name), prefix: prefix}
	const day = 24 * time.Hour
	if !earliest.IsZero() {
		o.from = earliest.Add(-2 * time.Hour).UTC().Truncate(day)
	}
	if !latest.IsZero() {
		o.to = latest.Add(2 * time.Hour).UTC().Truncate(day)
	}
	return o, nil
}

// listers is how many trails are listed at once.
const listers = 16

var folders = []string{trailkey.Log, trailkey.Insight, trailkey.Aggregated, trailkey.Digest}

// List implements digest.Objects.
func (o *Objects) List(ctx context.Context, each func(digest.Object) error, _ func(string, error)) error {
	found, err := o.bucket.Trails(ctx, o.prefix, bucket.Scope{Folders: folders})
	if err != nil {
		return err
	}
	var lists []*bucket.Listing
	for i := range found.Trails {
		t := &found.Trails[i]
		l := &bucket.Listing{Prefix: t.Root()}
		if !o.from.IsZero() {
			l.After = t.DayOf(o.from)
		}
		if !o.to.IsZero() {
			l.Until = t.DayOf(o.to.Add(24 * time.Hour))
		}
		lists = append(lists, l)
	}
	for _, prefix := range found.Flat {
		lists = append(lists, &bucket.Listing{Prefix: prefix})
	}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(listers)
	for _, l := range lists {
		g.Go(func() error {
			for !l.Ended {
				page, err := o.bucket.Next(ctx, l)
				if err != nil {
					return err
				}
				mu.Lock()
				for _, x := range page {
					if err = each(digest.Object{Bucket: o.bucket.Name(), Key: x.Key, Name: o.bucket.URL(x.Key), Size: x.Size, Changed: x.Changed}); err != nil {
						break
					}
				}
				mu.Unlock()
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// Open implements digest.Objects.
func (o *Objects) Open(ctx context.Context, x *digest.Object) (io.ReadCloser, error) {
	c, err := o.bucket.Get(ctx, bucket.Object{Key: x.Key, Size: x.Size})
	if err != nil {
		return nil, err
	}
	if k, ok := trailkey.Parse(x.Key); ok && k.Digest() {
		o.metadata.Store(x.Key, c.Metadata)
	}
	return c, nil
}

// Meta implements digest.Objects. Metadata comes with the content: there is no further request.
func (o *Objects) Meta(ctx context.Context, x *digest.Object) (digest.Meta, error) {
	all, ok := o.metadata.LoadAndDelete(x.Key)
	if !ok { // a digest that lies outside of CloudTrail's layout
		c, err := o.bucket.Get(ctx, bucket.Object{Key: x.Key, Size: x.Size})
		if err != nil {
			return digest.Meta{}, fmt.Errorf("cannot read the metadata: %w", err)
		}
		defer c.Close()
		return digest.MetaOf(c.Metadata), nil
	}
	return digest.MetaOf(all.(map[string]string)), nil
}
