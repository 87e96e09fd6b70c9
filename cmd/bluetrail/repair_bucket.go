package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/ingest"
	"bluetrail/internal/source/file"
	"bluetrail/internal/source/s3"
)

// objects returns what opens objects of a bucket: with the access that the flags describe,
// with that of the source in the configuration that reads the bucket, or as the AWS SDK
// finds it.
func (c *repairCmd) objects(a *app) ingest.Objects {
	return func(ctx context.Context, urls []string, meta event.Meta, limits file.Limits) (ingest.Input, func() ([]string, error), error) {
		name, _, err := bucket.Parse(urls[0])
		if err != nil {
			return nil, nil, err
		}
		access := c.access()
		if c.used() == "" {
			access = bucketAccess(a.cfg.Sources, name)
		}
		client, err := aws.New(ctx, access)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read the bucket %s: %w", name, aws.Explain(err))
		}
		in := bucket.New(client, name)
		keys := make([]string, len(urls))
		for i, url := range urls {
			keys[i] = strings.TrimPrefix(url, in.URL(""))
		}
		src, err := s3.New(s3.Options{Bucket: in, Keys: keys, Meta: meta, Limits: limits})
		if err != nil {
			return nil, nil, err
		}
		return src, func() ([]string, error) {
			err := src.Close()
			gone := src.Missing()
			for i, key := range gone {
				gone[i] = in.URL(key)
			}
			return gone, err
		}, nil
	}
}

// bucketAccess returns how the first source that reads a bucket reaches it.
func bucketAccess(sources []config.Source, name string) aws.Access {
	place := bucket.Scheme + name
	for i := range sources {
		src := &sources[i]
		if !slices.ContainsFunc(src.Folders(), func(folder string) bool { return strings.HasPrefix(folder+"/", place+"/") }) {
			continue
		}
		if src.KindOf() == config.KindSQS {
			return src.ObjectAccess()
		}
		return src.Access
	}
	return aws.Access{}
}
