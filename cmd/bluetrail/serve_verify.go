package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/aws"
	"bluetrail/internal/config"
	"bluetrail/internal/detect/rule"
	"bluetrail/internal/digest"
	"bluetrail/internal/digest/folder"
	"bluetrail/internal/digest/inbucket"
	"bluetrail/internal/digest/ledger"
	"bluetrail/internal/health"
	"bluetrail/internal/serve"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"

	"github.com/VictoriaMetrics/metrics"
)

// digestSeverities are those that problems of digests have.
var digestSeverities = [...]digest.Severity{digest.Low, digest.Medium, digest.High}

// verification is the part of a server that verifies digests in the folders and buckets
// that it reads. Of each kind, it works on one at a time.
type verification struct {
	s    *server
	keys string // file

	verified, logs, failures, last atomic.Int64

	mu       sync.Mutex
	problems map[*ledger.Ledger]map[digest.Severity]int // found by the last look
}

func (s *server) verification(in *app) serve.Part {
	v := &verification{s: s, keys: in.path(s.cfg.Verify.Keys), problems: map[*ledger.Ledger]map[digest.Severity]int{}}
	return serve.Part{
		Name: "verification",
		Start: func(context.Context) error {
			s.metrics.RegisterMetricsWriter(v.measure)
			return nil
		},
		Run: func(ctx context.Context) error {
			var folders, buckets []*ledger.Ledger
			for i := range s.cfg.Sources {
				switch src := &s.cfg.Sources[i]; src.KindOf() {
				case config.KindDir:
					folders = append(folders, folderLedger(src, s.pipeline.State()))
				case config.KindS3:
					l, err := bucketLedger(src, s.pipeline.State())
					if err != nil {
						return err
					}
					buckets = append(buckets, l)
				}
			}
			var work sync.WaitGroup
			work.Go(func() { v.repeat(ctx, folders, s.cfg.Verify.Every) })
			work.Go(func() { v.repeat(ctx, buckets, max(s.cfg.Verify.Every, leastBucketVerify)) })
			work.Wait()
			<-ctx.Done() // there may be neither
			return nil
		},
	}
}

const (
	// leastBucketVerify is how often at most a bucket is looked at: each look costs
	// requests, and CloudTrail delivers digests once an hour.
	leastBucketVerify = time.Hour
	// serveBucketWorkers leaves most of the bandwidth to ingest.
	serveBucketWorkers = 4
)

// folderLedger reads one object at a time, so that it does not compete with ingest.
func folderLedger(src *config.Source, db *state.DB) *ledger.Ledger {
	dir := file.Absolute(src.Dir)
	return &ledger.Ledger{Source: dir, DB: db, Workers: 1, Open: func(context.Context, time.Time) (digest.Objects, error) {
		return folder.New([]string{dir}), nil
	}}
}

func bucketLedger(src *config.Source, db *state.DB) (*ledger.Ledger, error) {
	since, err := src.S3.Start()
	if err != nil {
		return nil, usageError{err}
	}
	return &ledger.Ledger{Source: src.Folders()[0], DB: db, Workers: serveBucketWorkers, Since: since, Open: func(ctx context.Context, earliest time.Time) (digest.Objects, error) {
		client, err := aws.New(ctx, src.Access)
		if err != nil {
			return nil, aws.Explain(err)
		}
		return inbucket.New(client, src.S3.URL, earliest, time.Time{})
	}}, nil
}

// measure writes the metrics.
func (v *verification) measure(w io.Writer) {
	metrics.WriteCounterUint64(w, "bluetrail_digests_verified_total", uint64(v.verified.Load()))
	metrics.WriteCounterUint64(w, "bluetrail_digest_logs_verified_total", uint64(v.logs.Load()))
	metrics.WriteCounterUint64(w, "bluetrail_digest_failures_total", uint64(v.failures.Load()))
	metrics.WriteGaugeUint64(w, "bluetrail_digest_verified_time_seconds", uint64(v.last.Load()))
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, severity := range digestSeverities {
		n := 0
		for _, found := range v.problems {
			n += found[severity]
		}
		metrics.WriteGaugeUint64(w, `bluetrail_digest_problems{severity="`+string(severity)+`"}`, uint64(n))
	}
}

// repeat looks at ledgers, one after the other, until ctx ends.
func (v *verification) repeat(ctx context.Context, ledgers []*ledger.Ledger, every time.Duration) {
	if len(ledgers) == 0 {
		return
	}
	for {
		if keys, err := readKeys(v.keys); err != nil { // read again, since it may have more by now
			v.failed(err)
		} else {
			for _, l := range ledgers {
				l.Keys = keys
				v.look(ctx, l)
			}
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
	}
}

func (v *verification) look(ctx context.Context, l *ledger.Ledger) {
	res, err := l.Look(ctx, time.Now())
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		v.failed(err, serve.KeySource, l.Source)
		return
	}
	v.verified.Add(int64(res.Digests))
	v.logs.Add(int64(res.Logs))
	v.last.Store(time.Now().Unix())
	v.mu.Lock()
	v.problems[l] = res.Problems
	v.mu.Unlock()
	if res.Digests > 0 {
		v.s.log.Info("verified digests", serve.KeySource, l.Source, "digests", res.Digests, "files", res.Logs, serve.KeyTook, res.Took.Round(time.Millisecond).String())
	}
}

func (v *verification) failed(err error, of ...any) {
	v.failures.Add(1)
	v.s.log.Warn("cannot verify digests", append(of, serve.KeyErr, err)...)
}

const (
	// digestTime is how long after it was found a problem of digests is a condition of
	// health. It stays in the evidence.
	digestTime = 30 * 24 * time.Hour
	// maxDigestProblems bounds the problems that are looked at.
	maxDigestProblems = 10_000
)

// digestsOf returns the chains of digests with problems. Signatures that are not at hand
// are none.
func digestsOf(db *state.DB, now time.Time) (list []health.Digests, err error) {
	problems, err := db.DigestProblems(now.Add(-digestTime), maxDigestProblems)
	if err != nil {
		return nil, err
	}
	at, more := map[string]int{}, map[string]int{}
	for i := range problems {
		p := &problems[i]
		if p.Kind == string(digest.DigestUnsigned) {
			continue
		}
		name := p.Chain + " in " + p.Source
		x := health.Digests{Name: name, Severity: rule.Severity(p.Severity), Text: p.Text}
		if p.Object != "" {
			x.Text = p.Object + ": " + p.Text
		}
		k, ok := at[name]
		if !ok {
			at[name] = len(list)
			list = append(list, x)
			continue
		}
		more[name]++
		if x.Severity.Rank() > list[k].Severity.Rank() {
			list[k] = x
		}
	}
	for i := range list {
		if n := more[list[i].Name]; n > 0 {
			list[i].Text += fmt.Sprintf("; and %s more", count(n, "problem"))
		}
	}
	return list, nil
}
