package main

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"bluetrail/internal/detect/rule"
	"bluetrail/internal/digest"
	"bluetrail/internal/digest/folder"
	"bluetrail/internal/digest/ledger"
	"bluetrail/internal/health"
	"bluetrail/internal/serve"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"

	"github.com/VictoriaMetrics/metrics"
)

// verification is the part of a server that verifies digests in the folders that it
// watches. It works on one object at a time, so that it does not compete with ingest.
func (s *server) verification(in *app) serve.Part {
	var verified, logs, failures, last atomic.Int64
	var problems [3]atomic.Int64
	severities := [3]digest.Severity{digest.Low, digest.Medium, digest.High}
	return serve.Part{
		Name: "verification",
		Start: func(context.Context) error {
			s.metrics.RegisterMetricsWriter(func(w io.Writer) {
				metrics.WriteCounterUint64(w, "bluetrail_digests_verified_total", uint64(verified.Load()))
				metrics.WriteCounterUint64(w, "bluetrail_digest_logs_verified_total", uint64(logs.Load()))
				metrics.WriteCounterUint64(w, "bluetrail_digest_failures_total", uint64(failures.Load()))
				metrics.WriteGaugeUint64(w, "bluetrail_digest_verified_time_seconds", uint64(last.Load()))
				for i, x := range severities {
					metrics.WriteGaugeUint64(w, `bluetrail_digest_problems{severity="`+string(x)+`"}`, uint64(problems[i].Load()))
				}
			})
			return nil
		},
		Run: func(ctx context.Context) error {
			var ledgers []*ledger.Ledger
			for _, src := range s.cfg.Sources {
				if src.Dir != "" {
					dir := file.Absolute(src.Dir)
					ledgers = append(ledgers, &ledger.Ledger{Source: dir, Objects: folder.New([]string{dir}), DB: s.pipeline.State(), Workers: 1})
				}
			}
			for {
				keys, err := readKeys(in.path(s.cfg.Verify.Keys)) // it may have more by now
				if err != nil {
					failures.Add(1)
					s.log.Error("cannot verify digests", serve.KeyErr, err)
				}
				var counts [3]int64
				for _, l := range ledgers {
					if err != nil {
						break
					}
					l.Keys = keys
					res, err := l.Look(ctx, time.Now())
					switch {
					case ctx.Err() != nil:
						return nil
					case err != nil:
						failures.Add(1)
						s.log.Warn("cannot verify digests", serve.KeySource, l.Source, serve.KeyErr, err)
						continue
					}
					verified.Add(int64(res.Digests))
					logs.Add(int64(res.Logs))
					last.Store(time.Now().Unix())
					for i, x := range severities {
						counts[i] += int64(res.Problems[x])
					}
					if res.Digests > 0 {
						s.log.Info("verified digests", serve.KeySource, l.Source, "digests", res.Digests, "files", res.Logs, serve.KeyTook, res.Took.Round(time.Millisecond).String())
					}
				}
				for i := range counts {
					problems[i].Store(counts[i])
				}
				select {
				case <-time.After(s.cfg.Verify.Every):
				case <-ctx.Done():
					return nil
				}
			}
		},
	}
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
