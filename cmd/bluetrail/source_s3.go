package main

import (
	"context"

	"bluetrail/internal/aws"
	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/config"
	"bluetrail/internal/serve"
	feed "bluetrail/internal/source"
	"bluetrail/internal/source/s3"
)

// followBucket takes in a bucket, and what comes to it, until ctx ends.
func (s *server) followBucket(ctx context.Context, src *config.Source) error {
	log := s.log.With(serve.KeySource, src.Label())
	name, prefix, err := bucket.Parse(src.S3.URL)
	if err != nil {
		return usageError{err}
	}
	since, err := src.S3.Start()
	if err != nil {
		return usageError{err}
	}
	return s.takeFrom(ctx, src, func(ctx context.Context) (feed.Source, func() error, error) {
		client, err := aws.New(ctx, src.Access)
		if err != nil {
			return nil, nil, aws.Explain(err)
		}
		in, err := s3.New(s3.Options{
			Bucket: bucket.New(client, name), Prefix: prefix, Since: since, Follow: true, Every: src.S3.Poll,
			Meta: metaOf(src), Positions: s.pipeline.State(), Known: s.pipeline.State(), Problem: s.problemOf(src, "", log),
		})
		if err != nil {
			return nil, nil, err
		}
		return in, in.Close, nil
	})
}
