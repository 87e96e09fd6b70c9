package main

import (
	"context"
	"errors"
	"time"

	"bluetrail/internal/aws/bucket"
	"bluetrail/internal/event"
	"bluetrail/internal/ingest"
	"bluetrail/internal/source/s3"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/state"
)

// fromBucket is the flags of an ingest from S3.
type fromBucket struct {
	Since    string `help:"Ingest only objects delivered at or after this time." placeholder:"T" group:"S3"`
	Until    string `help:"Ingest only objects delivered before this time." placeholder:"T" group:"S3"`
	awsFlags `embed:"" group:"S3"`
}

// options sets where events come from when a path lies in S3.
func (f *fromBucket) options(a *app, o *ingest.Options) error {
	_, far := inBuckets(o.Paths)
	if len(far) == 0 {
		if *f != (fromBucket{}) {
			return usage("--since, --until and the flags of AWS are for S3: give an address such as s3://BUCKET/AWSLogs")
		}
		return nil
	}
	if len(o.Paths) > 1 {
		return usage("name one s3:// address at a time, without other paths")
	}
	name, prefix, err := bucket.Parse(far[0])
	if err != nil {
		return usageError{err}
	}
	src := s3.Options{Prefix: prefix, Meta: event.Meta{Index: o.Index, Sourcetype: o.Sourcetype}, Limits: o.Limits}
	now := time.Now().In(a.zone())
	for _, at := range []struct {
		flag, text string
		to         *time.Time
	}{{"--since", f.Since, &src.Since}, {"--until", f.Until, &src.Until}} {
		if at.text == "" {
			continue
		}
		if *at.to, err = splunktime.ParseTime(at.text, now); err != nil {
			return usage("%s: %v", at.flag, err)
		}
	}
	if !src.Until.IsZero() && !src.Since.Before(src.Until) {
		return usage("--since must be before --until")
	}
	client, err := f.client(a.ctx)
	if err != nil {
		return err
	}
	src.Bucket = bucket.New(client, name)
	o.From = func(_ context.Context, db *state.DB) (ingest.Input, func(bool) error, error) {
		src.Positions, src.Known = db, db
		in, err := s3.New(src)
		if err != nil {
			return nil, nil, err
		}
		return in, func(finished bool) error {
			err := in.Close()
			if finished {
				err = errors.Join(err, in.Finished())
			}
			return err
		}, nil
	}
	return nil
}
