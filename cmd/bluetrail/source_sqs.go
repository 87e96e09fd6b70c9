package main

import (
	"context"
	"io"

	"bluetrail/internal/aws"
	"bluetrail/internal/config"
	"bluetrail/internal/event"
	"bluetrail/internal/serve"
	feed "bluetrail/internal/source"
	"bluetrail/internal/source/lookupevents"
	"bluetrail/internal/source/sqs"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
)

// metaOf is what the configuration says of a source's records.
func metaOf(src *config.Source) event.Meta {
	return event.Meta{Index: src.Index, Sourcetype: src.Sourcetype, Host: src.Host}
}

// readQueue takes in what the messages of a queue announce until ctx ends.
func (s *server) readQueue(ctx context.Context, src *config.Source) error {
	log := s.log.With(serve.KeySource, src.Label())
	counts := &sqs.Counts{}
	s.metrics.RegisterMetricsWriter(func(w io.Writer) { counts.Write(w, src.Label()) })
	return s.takeFrom(ctx, src, func(ctx context.Context) (feed.Source, func() error, error) {
		queue, err := aws.New(ctx, src.QueueAccess())
		if err != nil {
			return nil, nil, aws.Explain(err)
		}
		objects, err := aws.New(ctx, src.ObjectAccess())
		if err != nil {
			return nil, nil, aws.Explain(err)
		}
		r := sqs.New(sqs.Options{
			Name: src.SQS.Queue, Queue: src.SQS.Queue, Client: queue.SQS(), Objects: sqs.NewS3(objects), Letters: s.pipeline.State(), Buckets: src.SQS.Buckets,
			Meta: metaOf(src), Log: log, Counts: counts, Tries: src.SQS.Tries, Visibility: src.SQS.Visibility, Fetchers: src.SQS.Fetch,
			Problem: s.problemOf(src, "", log),
		})
		return r, func() error { r.Close(); return nil }, nil
	})
}

// lookUpEvents takes in the event history of an account until ctx ends.
func (s *server) lookUpEvents(ctx context.Context, src *config.Source) error {
	log := s.log.With(serve.KeySource, src.Label())
	return s.takeFrom(ctx, src, func(ctx context.Context) (feed.Source, func() error, error) {
		client, err := aws.New(ctx, src.Access)
		if err != nil {
			return nil, nil, aws.Explain(err)
		}
		l := &src.LookupEvents
		r, err := lookupevents.New(lookupevents.Options{
			Name: src.History(), Regions: l.Regions, Positions: s.pipeline.State(), Meta: metaOf(src), Log: log,
			Backfill: days(l.Backfill), Every: l.Every, Overlap: l.Overlap,
			Client: func(region string) lookupevents.API {
				return cloudtrail.NewFromConfig(client.Config(), func(o *cloudtrail.Options) {
					o.Region = region
					if src.Access.Endpoint != "" {
						o.BaseEndpoint = &src.Access.Endpoint
					}
				})
			},
			Problem: func(region string, err error) { s.problemOf(src, region, log)(err) },
		})
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	})
}
