package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/idset"
	"bluetrail/internal/integrity"
	"bluetrail/internal/source"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// Config says where a Pipeline keeps events.
type Config struct {
	Data    string // data directory, made when absent
	Workers int    // 0 = one for each processor

	Retention map[string]config.Retention // by index
	Clock     func() time.Time            // wall clock; nil = time.Now

	Door Door // nil = nothing is dropped

	Sink func(*state.DB) (Sink, error) // sees the new events; nil = none

	batch      limits             // zero = the usual ones
	handedOver func(*batch) error // for tests: called in the midst of a commit
}

// Pipeline is the one way of events into an opened data directory. Several Runs
// may share it; it is safe for concurrent use.
//
// Readers decode the batches of sources and cut records into chunks. Chunks of
// one run are taken in their order, by one goroutine at a time: it decides which
// records are new, and holds those. A commit has builders make rows of them,
// makes the rows durable, shows them to searches and acknowledges the batches
// that ended in it. Other runs go on meanwhile and fill the next batch.
//
// It holds at most 1 MiB for each reader beside its longest record, 128 MiB of
// new records (twice that while several runs share it), some 12 MiB of rows for
// each builder, some 20 MiB of chunks for each run, and what the store and the ids
// keep by their own bounds.
type Pipeline struct {
	cfg    Config
	opened time.Time            // with a monotonic reading
	door   atomic.Pointer[Door] // nil = nothing is dropped
	store  *vlogs.Store
	state  *state.DB
	ids    *idset.Set
	sink   Sink // may be nil

	// turn is held by the one commit, or removal, that is under way. It is locked
	// before mu. It guards the point and the tallies.
	turn    sync.Mutex
	point   state.Checkpoint          // the last one made
	tallies map[tally.Day]tally.Tally // what is stored

	// gate is shared by those that add to the batch, and closed while events are
	// removed. It is locked between turn and mu.
	gate sync.RWMutex

	mu       sync.Mutex // guards the ids and what follows
	batch    *batch     // what came since the last commit began
	newest   int64      // id of a batch so far
	seq      uint64     // of the next event
	spare    spare
	took     time.Duration // of the last commit
	alarms   []state.Alarm
	renewed  []idset.Damage       // ids that were made anew from the store
	floors   map[string]tally.Day // the first day of each index that retention keeps
	moved    map[string]bool      // indexes whose floor rose or fell
	removed  []Removed            // by retention since the pipeline was opened
	retained time.Time            // when the clock last looked at it
	broken   error                // of a commit: nothing can be taken in any more

	jobs     chan *job       // to the readers
	writers  []*vlogs.Writer // of the builders
	build    chan portion    // to the builders
	free     chan *chunk
	hurried  atomic.Bool    // see Hurry
	building sync.WaitGroup // portions at the builders
	flushing sync.Mutex     // of a builder that hands rows over while there are searches
	running  sync.WaitGroup // readers, builders and the clock
	quit     chan struct{}  // ends the clock
	counts   counts
	failedMu sync.Mutex
	failed   error // of a builder
}

// ack is an acknowledgement that waits for a commit.
type ack struct {
	run    *run
	batch  *source.Batch
	result source.Result
}

// Open opens the data directory for taking in events and puts right what a crash
// left.
func Open(ctx context.Context, cfg Config) (*Pipeline, error) {
	st, err := vlogs.Open(filepath.Join(cfg.Data, EventsDir), vlogs.Options{})
	if err != nil {
		return nil, err
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.batch == (limits{}) {
		cfg.batch = usual
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	p := &Pipeline{
		cfg: cfg, opened: time.Now(), store: st, batch: newBatch(), quit: make(chan struct{}),
		jobs: make(chan *job, 8*cfg.Workers), build: make(chan portion), free: make(chan *chunk, 16*cfg.Workers),
	}
	p.SetDoor(cfg.Door)
	if p.state, err = state.Open(cfg.Data); err != nil {
		return nil, errors.Join(err, st.Close())
	}
	if p.ids, err = openIDs(cfg.Data, p.state); err != nil {
		return nil, errors.Join(err, p.state.Close(), st.Close())
	}
	if p.alarms, err = integrity.Check(ctx, st, p.state); err == nil {
		for _, a := range p.alarms {
			st.Keep(a.Day) // a repair counts what comes back to it
		}
		p.renewed, err = mendIDs(ctx, p.ids, st, p.state, false)
	}
	if err == nil {
		err = p.openSink()
	}
	if err == nil {
		err = p.recover(ctx)
	}
	if err == nil {
		p.removed, err = p.retain(ctx)
		p.retained = time.Now()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot resume after the last run: %w", err), p.ids.Close(), p.state.Close(), st.Close())
	}
	for range cfg.Workers {
		w := st.NewWriter()
		p.writers = append(p.writers, w)
		p.running.Go(func() { p.builder(w) })
		p.running.Go(func() {
			row := identifier.NewRow()
			var at doorman
			for j := range p.jobs {
				j.door, j.doorErr = at.use(p.door.Load())
				j.read(p.free, row)
			}
		})
	}
	p.running.Go(p.clock)
	return p, nil
}

// Store returns the store that the pipeline fills, for searches. It is closed
// with the pipeline.
func (p *Pipeline) Store() *vlogs.Store { return p.store }

// State returns the state beside the store. It is closed with the pipeline.
func (p *Pipeline) State() *state.DB { return p.state }

// Alarms returns the days that lacked events when the data directory was opened.
func (p *Pipeline) Alarms() []state.Alarm { return p.alarms }

// Renewed returns the known ids that were damaged when the data directory was
// opened. They were made anew from the store.
func (p *Pipeline) Renewed() []idset.Damage { return p.renewed }

// Removed returns what retention removed since the data directory was opened.
func (p *Pipeline) Removed() []Removed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.removed)
}

// Err returns why nothing can be taken in any more, nil while all is well. The
// data directory has to be opened anew then.
func (p *Pipeline) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.broken
}

// Hurry ends the pauses for searches: the process is to end soon.
func (p *Pipeline) Hurry() { p.hurried.Store(true) }

// searching reports whether the workers have to give way to a search.
func (p *Pipeline) searching() bool { return !p.hurried.Load() && p.store.Searching() }

// Close commits what is under way and closes the data directory. No Run may be
// under way.
func (p *Pipeline) Close() error {
	close(p.quit)
	err := p.commit(false, nil)
	close(p.jobs)
	close(p.build)
	p.running.Wait()
	if c, ok := p.sink.(io.Closer); ok && err == nil && p.Err() == nil {
		err = c.Close()
	}
	return errors.Join(err, p.ids.Close(), p.state.Close(), p.store.Close())
}

// RunOptions say how a source is taken in.
type RunOptions struct {
	Anew     bool   // events are new whatever their eventID, unless the very batch was taken in
	Seen     bool   // the sink saw the events when they were taken in for the first time
	Live     bool   // the source has no end: what it gives is committed within a few seconds
	Progress *Meter // may be nil
	Source   string // what the metrics count it under; "" = Commands

	Origin Origin // how to take the batches in again
}

// run is one source that is being taken in.
type run struct {
	p      *Pipeline
	src    source.Source
	o      RunOptions
	origin string
	sum    Summary // guarded by p.mu
}

// Run takes in what a source gives that is not stored yet, until the source
// ends. What the summary counts as stored is durable. What cannot be read is
// skipped, reported and put in quarantine. When ctx ends, what was read is
// committed and ctx's error returned; a Run over the same input goes on from
// there.
func (p *Pipeline) Run(parent context.Context, src source.Source, o RunOptions) (Summary, error) {
	if o.Progress == nil {
		o.Progress = &Meter{}
	}
	if o.Source == "" {
		o.Source = Commands
	}
	if s, ok := src.(source.Sized); ok {
		o.Progress.total.Add(s.Size())
	}
	r := &run{p: p, src: src, o: o, origin: o.Origin.String()}
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	order := make(chan *job, 8*p.cfg.Workers)
	ended := make(chan error, 1)
	go func() {
		defer close(order)
		ended <- r.dispatch(ctx, order)
	}()
	var err error
	for j := range order {
		if err == nil {
			if err = r.take(ctx, j); err != nil {
				cancel() // ends the readers of the jobs that follow
			}
		}
		for range j.chunks { // until its reader has let go of it
		}
	}
	if srcErr := <-ended; err == nil {
		err = srcErr
	}
	if settled := p.settle(r); err == nil || parent.Err() != nil {
		err = errors.Join(settled, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.batch.touched, r)
	return r.sum, err
}

// settle commits what a run gave, or waits until others did.
func (p *Pipeline) settle(r *run) error {
	return p.commit(true, func() bool { _, ok := p.batch.touched[r]; return ok })
}

// dispatch makes jobs of the batches. Those that need not be read have no chunks.
func (r *run) dispatch(ctx context.Context, order chan<- *job) error {
	for {
		b, err := r.src.Next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		j := &job{run: r, ctx: ctx, batch: b, chunks: make(chan *chunk, 2), first: noDay, last: -noDay}
		j.lookUp(r.p.state)
		select {
		case order <- j:
		case <-ctx.Done():
			return ctx.Err()
		}
		if j.done || b.Digest || j.err != nil {
			close(j.chunks)
			continue
		}
		select {
		case r.p.jobs <- j:
		case <-ctx.Done():
			close(j.chunks)
			return ctx.Err()
		}
	}
}

// take takes in the chunks of one batch of the source.
func (r *run) take(ctx context.Context, j *job) error {
	p := r.p
	if j.err != nil {
		return j.err
	}
	if j.done || j.batch.Digest {
		p.mu.Lock()
		if j.done {
			r.sum.FilesDone++
		} else {
			r.sum.Digests++
		}
		p.mu.Unlock()
		r.o.Progress.done.Add(j.batch.Size)
		acknowledge(ack{r, j.batch, source.Result{Done: true, Records: j.skip}})
		return nil
	}
	p.mu.Lock()
	r.sum.Files++
	p.mu.Unlock()
	for ch := range j.chunks {
		p.gate.RLock()
		p.mu.Lock()
		err := p.takeChunk(j, ch)
		ripe := p.ripe()
		p.mu.Unlock()
		p.gate.RUnlock()
		if err == nil && ripe {
			err = p.commit(true, p.ripe)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// acknowledge tells a source what is durable.
func acknowledge(a ack) {
	if a.batch.Ack != nil {
		a.batch.Ack(a.result)
	}
}

// clockTick is how often the age of a batch is looked at.
const clockTick = 100 * time.Millisecond

// retainEvery is how often retention is looked at.
const retainEvery = time.Hour

// clock commits what grew old without more coming in.
func (p *Pipeline) clock() {
	t := time.NewTicker(clockTick)
	defer t.Stop()
	for {
		select {
		case <-p.quit:
			return
		case <-t.C:
		}
		if time.Since(p.retained) >= retainEvery {
			p.retained = time.Now()
			p.Retain(context.Background()) // the error is kept for the runs
		}
		p.mu.Lock()
		due := p.broken == nil && p.due()
		p.mu.Unlock()
		if due {
			p.commit(true, p.due) // the error is kept for the runs
		}
	}
}
