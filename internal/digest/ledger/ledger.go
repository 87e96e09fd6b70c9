// Package ledger verifies digests as they arrive, and keeps what was verified, when and
// by which key.
package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"bluetrail/internal/digest"
	"bluetrail/internal/state"
)

// Ledger verifies one source again and again. It is for one goroutine.
type Ledger struct {
	Source string
	// Open returns what the source holds. It may leave out what was delivered before
	// earliest; zero = all is wanted.
	Open    func(ctx context.Context, earliest time.Time) (digest.Objects, error)
	Since   time.Time // digests of hours that end before are left out; zero = none
	Keys    *digest.Keys
	DB      *state.DB
	Workers int

	full time.Time // of the last look at all
}

// Result says what a look found.
type Result struct {
	Digests, Logs int // that were verified now
	Problems      map[digest.Severity]int
	Took          time.Duration
}

const (
	// fullEvery is how often all digests are looked at. In between it is only those of
	// the last days, which is where new ones are.
	fullEvery = 24 * time.Hour
	recent    = 48 * time.Hour
	// grace is how long log files may arrive after the digest that names them: a
	// bucket may be copied in any order.
	grace = time.Hour
	// atOnce is how many digests are written in one transaction.
	atOnce = 1000
)

// Look verifies what is new, and checks that what was verified is still in place.
func (l *Ledger) Look(ctx context.Context, now time.Time) (Result, error) {
	o := digest.Options{Keys: l.Keys, Now: now, Grace: grace, Workers: l.Workers, Earliest: l.Since}
	full := now.Sub(l.full) >= fullEvery
	if at := now.Add(-recent); !full && at.After(l.Since) {
		o.Earliest = at
	}
	var failed error
	o.Known = func(key string) (string, bool) {
		hash, ok, err := l.DB.KnownDigest(l.Source, key)
		failed = cmp.Or(failed, err)
		return hash, ok
	}
	res := Result{Problems: map[digest.Severity]int{}}
	var waiting []state.Digest
	flush := func() {
		if len(waiting) > 0 && failed == nil {
			failed = l.DB.Write(func(tx *state.Tx) error { return tx.PutDigests(waiting) })
			waiting = waiting[:0]
		}
	}
	o.Each = func(e *digest.Evidence) {
		if e.Pending {
			return
		}
		res.Digests++
		res.Logs += e.Logs
		waiting = append(waiting, state.Digest{
			Source: l.Source, Key: e.Key, Chain: e.Chain.String(), Start: e.Start.Unix(), End: e.End.Unix(), Hash: e.Hash, Signature: e.Signature,
			Fingerprint: e.Fingerprint, Proof: e.By, Logs: e.Logs, Bytes: e.Bytes, Whole: e.Whole, Verified: now.Unix(),
		})
		if len(waiting) >= atOnce {
			flush()
		}
	}
	objects, err := l.Open(ctx, o.Earliest)
	if err != nil {
		return res, err
	}
	r, err := digest.Verify(ctx, objects, o)
	flush()
	if err = cmp.Or(err, failed); err != nil {
		return res, err
	}
	var problems []state.DigestProblem
	var chains []string
	for _, c := range r.Chains {
		if c.Digests > 0 {
			chains = append(chains, c.ChainID.String())
		}
		for _, p := range c.Problems {
			if p.Pending {
				continue
			}
			res.Problems[p.Severity]++
			problems = append(problems, state.DigestProblem{
				Chain: c.ChainID.String(), Kind: string(p.Kind), Object: p.Object, Start: p.From.Unix(), End: p.To.Unix(), Severity: string(p.Severity), Text: p.Text,
			})
		}
	}
	slices.SortFunc(problems, func(a, b state.DigestProblem) int { return cmp.Compare(a.Chain, b.Chain) })
	since := int64(0)
	if !o.Earliest.IsZero() {
		// A problem at the edge may concern a digest that was left out.
		since = o.Earliest.Add(2 * time.Hour).Unix()
	}
	if err := l.DB.Write(func(tx *state.Tx) error { return tx.PutDigestProblems(l.Source, chains, since, now.Unix(), problems) }); err != nil {
		return res, err
	}
	if full {
		l.full = now
	}
	res.Took = time.Since(now)
	return res, nil
}
