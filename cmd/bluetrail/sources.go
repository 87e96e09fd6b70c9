package main

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/config"
	"bluetrail/internal/ingest"
	"bluetrail/internal/serve"
	feed "bluetrail/internal/source"
)

// sourcePart returns the part of a server that takes in a source.
func (s *server) sourcePart(src *config.Source) serve.Part {
	run := s.watch
	switch src.KindOf() {
	case config.KindS3:
		run = s.followBucket
	case config.KindSQS:
		run = s.readQueue
	case config.KindLookupEvents:
		run = s.lookUpEvents
	}
	return serve.Part{Name: "source " + src.Label(), Run: func(ctx context.Context) error { return run(ctx, src) }}
}

// retryTime is how long a source rests after it failed.
const retryTime = 10 * time.Second

// takeFrom takes in a source until ctx ends, and opens it again when it fails. That the
// disk is full, for instance, passes; what the pipeline cannot recover from ends the
// server.
func (s *server) takeFrom(ctx context.Context, src *config.Source, open func(context.Context) (feed.Source, func() error, error)) error {
	log := s.log.With(serve.KeySource, src.Label())
	for {
		sum, err := s.takeOnce(ctx, src, open)
		if ctx.Err() != nil {
			return nil
		}
		if broken := s.pipeline.Err(); broken != nil {
			return broken
		}
		if err == nil {
			err = errors.New("the source ended")
		}
		log.Error("ingest stopped; retrying soon", serve.KeyErr, err, "events", sum.Events, "after", retryTime.String())
		select {
		case <-time.After(retryTime):
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *server) takeOnce(ctx context.Context, src *config.Source, open func(context.Context) (feed.Source, func() error, error)) (sum ingest.Summary, err error) {
	from, end, err := open(ctx)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, end()) }()
	return s.pipeline.Run(ctx, from, ingest.RunOptions{
		Live: true, Source: src.Label(), Origin: ingest.Origin{Index: src.Index, Sourcetype: src.Sourcetype, Host: src.Host},
	})
}

// problems are why sources cannot be read now, by their labels and parts.
type problems struct {
	mu sync.Mutex
	of map[string]map[string]string
}

func (p *problems) set(label, part string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		delete(p.of[label], part)
		return
	}
	if p.of == nil {
		p.of = map[string]map[string]string{}
	}
	if p.of[label] == nil {
		p.of[label] = map[string]string{}
	}
	p.of[label][part] = err.Error()
}

// get returns why a source cannot be read, "" = it can.
func (p *problems) get(label string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Values(p.of[label])), "; ")
}

// problemOf returns what is told when a part of a source can or cannot be read.
func (s *server) problemOf(src *config.Source, part string, log *slog.Logger) func(error) {
	return func(err error) {
		err = aws.Explain(err)
		s.shares.problems.set(src.Label(), part, err)
		if err != nil {
			log.Warn("the source cannot be read", serve.KeyErr, err)
			return
		}
		log.Info("the source is readable again")
	}
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }
