package digest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say what is verified, and against what.
type Options struct {
	Keys     *Keys     // nil or empty = signatures are not checked
	Earliest time.Time // hours that end before are left out; zero = all
	Latest   time.Time // hours that end after are left out; zero = all
	// Now is the clock that missing newest digests are held against. Zero = the objects
	// are a copy of unknown age, and its newest file is taken for the clock.
	Now time.Time
	// Grace is how long log files and digests may arrive after the digest that names
	// them, from when that was changed.
	Grace   time.Duration
	Workers int  // objects that are read at once, 0 = one for each processor
	DryRun  bool // only list: the report counts what would be read, and has no chains
	// Known returns the hash of a digest, by the key in it, that was verified before
	// together with its log files. They are not read again. May be nil.
	Known func(key string) (hash string, ok bool)
	// Each is called with every digest that was read, one call at a time. May be nil.
	Each func(*Evidence)
	// Progress is called with bytes as they are read. It must be safe for concurrent use. May be nil.
	Progress func(n int)
	// Size is called with the bytes of all objects that may be read. May be nil.
	Size func(n int64)
}

// Evidence is what was found out about one digest and its log files.
type Evidence struct {
	Chain       ChainID
	Key         string // in the bucket, as the digest says
	Start, End  time.Time
	Hash        string // of its content, hexadecimal
	Signature   string // hexadecimal; "" = none was at hand
	Fingerprint string
	By          string // how it is proven: "signature", "next digest" (that has its signature), "chain" (a proven one has its hash), "" = it is not
	Logs        int
	Bytes       int64
	Whole       bool // it is proven, and all of its log files are as it says
	Pending     bool // log files may still arrive
}

// maxObjects bounds the objects of one run: some 300 bytes are kept of each.
const maxObjects = 20_000_000

// slackTime is how long before the end of its digest a log file may be delivered.
const slackTime = time.Hour

// entry is an object with what its name tells.
type entry struct {
	Object
	at    time.Time
	kind  string
	named atomic.Bool // by a digest that was read
}

// laneID is what has log files of its own.
type laneID struct{ root, account, region string }

// lane holds the files of an account and region.
type lane struct {
	laneID
	logs    []*entry
	digests map[ChainID][]*entry
	chains  []*chain
}

type verifier struct {
	o     Options
	src   Objects
	lanes map[laneID]*lane
	base  map[string]*entry // log files by their names
	twins map[string][]*entry
	room  chan struct{} // one for each object that may be read at once
	asOf  time.Time

	mu  sync.Mutex // of what follows
	rep *Report
}

// Verify verifies digests and the log files that they name. Problems of the trail are in
// the report; the error is about the run itself.
func Verify(ctx context.Context, src Objects, o Options) (*Report, error) {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	v := &verifier{
		o: o, src: src, lanes: map[laneID]*lane{}, base: map[string]*entry{}, twins: map[string][]*entry{},
		room: make(chan struct{}, o.Workers), rep: &Report{},
	}
	if err := v.list(ctx); err != nil {
		return nil, err
	}
	if o.DryRun {
		return v.rep, nil
	}
	v.rep.Logs, v.rep.Digests, v.rep.Bytes = 0, 0, 0
	lanes := make([]*lane, 0, len(v.lanes))
	for _, l := range v.lanes {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b *lane) int {
		return cmp.Or(cmp.Compare(a.account, b.account), cmp.Compare(a.region, b.region), cmp.Compare(a.root, b.root))
	})
	// A lane is read in steps, and another fills the pauses between them.
	g, inner := errgroup.WithContext(ctx)
	g.SetLimit(2 + o.Workers/4)
	for _, l := range lanes {
		g.Go(func() error { return v.lane(inner, l) })
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for _, l := range lanes {
		v.unnamed(l)
		for _, c := range l.chains {
			c.count(l)
		}
	}
	if err := v.explain(ctx, lanes); err != nil {
		return nil, err
	}
	now := cmp.Or(o.Now, time.Now())
	for _, l := range lanes {
		for _, c := range l.chains {
			c.judge(now)
			v.rep.Chains = append(v.rep.Chains, &c.Chain)
		}
	}
	return v.rep, nil
}

// list sorts the objects into lanes.
func (v *verifier) list(ctx context.Context) error {
	n, size := 0, int64(0)
	err := v.src.List(ctx, func(o Object) error {
		name, ok := parseName(o.Key)
		if !ok {
			v.rep.Other++
			return nil
		}
		// A digest names log files that were delivered up to an hour before its end.
		early := name.at
		if !name.digest {
			early = early.Add(slackTime)
		}
		if !v.o.Earliest.IsZero() && early.Before(v.o.Earliest) || !v.o.Latest.IsZero() && name.at.After(v.o.Latest) {
			return nil
		}
		if n++; n > maxObjects {
			return fmt.Errorf("there are more than %d objects; verify a part of them with --earliest and --latest", maxObjects)
		}
		size += o.Size
		e := &entry{Object: o, at: name.at, kind: name.kind}
		id := laneID{root(o.Key), name.account, name.region}
		l := v.lanes[id]
		if l == nil {
			l = &lane{laneID: id, digests: map[ChainID][]*entry{}}
			v.lanes[id] = l
		}
		if name.at.After(v.asOf) {
			v.asOf = name.at
		}
		if name.digest {
			c := ChainID{id.root, name.account, name.region, name.trail, name.home, name.backfill}
			l.digests[c] = append(l.digests[c], e)
			v.rep.Digests++
			return nil
		}
		l.logs = append(l.logs, e)
		v.rep.Logs++
		if b := baseOf(o.Key); v.base[b] == nil {
			v.base[b] = e
		} else {
			v.twins[b] = append(v.twins[b], e)
		}
		return nil
	}, func(name string, err error) { v.skip(name, err) })
	if err != nil {
		return err
	}
	v.rep.Inferred = v.o.Now.IsZero()
	if !v.rep.Inferred {
		v.asOf = v.o.Now
	}
	if !v.o.Latest.IsZero() && v.o.Latest.Before(v.asOf) || v.rep.Inferred && !v.o.Latest.IsZero() {
		v.asOf, v.rep.Inferred = v.o.Latest, false
	}
	v.rep.AsOf, v.rep.Bytes = v.asOf, size
	if v.o.Size != nil {
		v.o.Size(size)
	}
	return nil
}

func (v *verifier) skip(name string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.rep.Skipped) == maxSkipped {
		v.rep.More++
		return
	}
	v.rep.Skipped = append(v.rep.Skipped, Skipped{name, err.Error()})
}

// lookup finds a log file that a digest names. It prefers the one where the digest says.
func (v *verifier) lookup(bucket, key string) (e *entry, moved bool) {
	b := baseOf(key)
	e = v.base[b]
	if e == nil || e.isAt(bucket, key) {
		return e, false
	}
	for _, other := range v.twins[b] {
		if other.isAt(bucket, key) {
			return other, false
		}
	}
	return e, true
}

// each calls f for 0 to n-1, as many at once as objects may be read.
func (v *verifier) each(ctx context.Context, n int, f func(i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range n {
		select {
		case v.room <- struct{}{}:
		case <-ctx.Done():
			return cmp.Or(g.Wait(), ctx.Err())
		}
		g.Go(func() error {
			defer func() { <-v.room }()
			return f(i)
		})
	}
	return g.Wait()
}

// lane verifies the chains of an account and region.
func (v *verifier) lane(ctx context.Context, l *lane) error {
	ids := make([]ChainID, 0, len(l.digests))
	for id := range l.digests {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b ChainID) int { return cmp.Compare(a.String(), b.String()) })
	for _, id := range ids {
		c := &chain{Chain: Chain{ChainID: id}, v: v}
		if err := c.read(ctx, l.digests[id]); err != nil {
			return err
		}
		l.digests[id] = nil
		c.walk()
		if err := c.hash(ctx); err != nil {
			return err
		}
		l.chains = append(l.chains, c)
	}
	return nil
}

// edge is how far a log file may lie outside of the hour of the digest that names it:
// the name of a log file counts whole minutes of its own clock.
const edge = 5 * time.Minute

// unnamed finds the log files that no digest names though one should.
func (v *verifier) unnamed(l *lane) {
	if len(l.chains) == 0 {
		if len(l.logs) == 0 {
			return
		}
		first, last := span(l.logs)
		c := &chain{Chain: Chain{ChainID: ChainID{Root: l.root, Account: l.account, Region: l.region}, From: first, To: last}, v: v}
		c.add(Problem{Kind: NoDigests, Severity: Low, From: first, To: last, Text: fmt.Sprintf(
			"No digest covers the %s from %s to %s UTC: log file validation is off for this trail, or its digests were not copied or were deleted", number(len(l.logs), "log file"), clock(first), clock(last))})
		l.chains = append(l.chains, c)
		return
	}
	for _, e := range l.logs {
		if e.named.Load() {
			continue
		}
		c, covered := l.covering(e.at)
		if !covered || e.kind != "" && e.kind != "Aggregated" {
			continue // too new, in a missing hour, or Insights events
		}
		c.add(Problem{Kind: LogUnnamed, Severity: High, Object: e.Name, From: e.at, To: e.at, Text: fmt.Sprintf(
			"no digest names it, though the hour of its delivery (%s UTC) has one: it was put there later, or another trail without validation writes here", clock(e.at))})
	}
}

// covering returns a chain whose digests cover a time and the minutes around it.
func (l *lane) covering(at time.Time) (*chain, bool) {
	for _, c := range l.chains {
		if c.Backfill {
			continue
		}
		for _, s := range c.spans {
			if !at.Before(s.from.Add(edge)) && !at.After(s.to.Add(-edge)) {
				return c, true
			}
		}
	}
	return nil, false
}

func span(list []*entry) (first, last time.Time) {
	for _, e := range list {
		if first.IsZero() || e.at.Before(first) {
			first = e.at
		}
		if e.at.After(last) {
			last = e.at
		}
	}
	return first, last
}

var errTooLarge = errors.New("it expands to far more than its size allows")

// mostOf returns how many bytes an object may expand to.
func mostOf(size int64) int64 {
	const free, ratio = 256 << 20, 200
	if size > math.MaxInt64/ratio {
		return math.MaxInt64
	}
	return max(free, size*ratio)
}
