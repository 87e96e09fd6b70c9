// Package ingest takes files of events into the embedded store so that every
// event is there once, whatever interrupts it.
//
// Work goes in batches. What a batch adds is committed in this order: the rows
// are made durable in the store, then the ids of the events in the id files,
// then the batch and its finished files in the state. Whatever the moment of a
// crash, the ids on disk are those of stored events; events that are stored
// without their id are found by the number of their batch when the next ingest
// begins.
package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
)

// Options say what is taken in and where it goes.
type Options struct {
	Data       string // the data directory
	Paths      []string
	Index      string
	Sourcetype string // "" = told from each record
	Workers    int    // 0 = one for each core
	Limits     file.Limits
	Progress   *Meter // may be nil
}

// Meter tells how far a running ingest is.
type Meter struct{ read, total atomic.Int64 }

// Bytes returns how many packed bytes were read, of how many.
func (m *Meter) Bytes() (done, total int64) { return m.read.Load(), m.total.Load() }

// Summary is what an ingest did.
type Summary struct {
	Files, FilesDone   int // read now; passed over since they were taken in before
	Events, Duplicates int
	Digests            int
	Bytes              int64 // packed, as read
	Skipped            []file.Skip
	SkippedTotal       int
}

// maxListed bounds the problems that a Summary lists; all are in the state.
const maxListed = 100

// A batch is committed when it has this many events or is this old.
const (
	batchEvents = 1 << 20
	batchAge    = 20 * time.Second
)

// chunkRows is how many records a worker takes in between looking whether a
// commit waits.
const chunkRows = 256

// Run takes the files in. Cancelling ctx commits what was taken in and returns
// context.Canceled; the summary is then of that.
func Run(ctx context.Context, o Options) (sum Summary, err error) {
	list, skipped, err := file.List(o.Paths)
	if err != nil {
		return sum, err
	}
	st, err := vlogs.Open(filepath.Join(o.Data, "events"))
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	db, err := state.Open(o.Data)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if o.Progress == nil {
		o.Progress = new(Meter)
	}
	if o.Limits == (file.Limits{}) {
		o.Limits = file.DefaultLimits()
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	r := &run{o: o, store: st, db: db, ids: newIDs(filepath.Join(o.Data, "ids"))}
	for _, s := range skipped {
		r.skip(s.Name, s.Reason)
	}
	if err := r.recover(ctx); err != nil {
		return r.sum, err
	}
	err = r.all(ctx, list)
	r.sum.Bytes = o.Progress.read.Load()
	return r.sum, err
}

type run struct {
	o     Options
	store *vlogs.Store
	db    *state.DB

	gate sync.RWMutex // workers hold it while they take records in; a commit holds it alone

	mu       sync.Mutex // guards what follows
	ids      *ids
	batch    int64
	seq      uint64
	begun    time.Time
	pending  int // events since the last commit
	finished []state.File
	problems []state.Problem
	sum      Summary
	writers  []*vlogs.Writer
}

// recover learns the events that an ingest left in the store without noting
// their ids.
func (r *run) recover(ctx context.Context) error {
	last, seq, err := r.db.LastBatch()
	if err != nil {
		return fmt.Errorf("cannot read state: %w", err)
	}
	r.seq = seq
	var failed error
	found := 0
	err = r.store.IDsSince(ctx, last, func(id [16]byte, ns int64) {
		if _, err := r.ids.add(id, ns); err != nil {
			failed = err
		}
		found++
	})
	if err := errors.Join(err, failed); err != nil {
		return fmt.Errorf("cannot look for events of an interrupted ingest: %w", err)
	}
	r.begin(last)
	if found > 0 {
		r.seq += uint64(found) + batchEvents // beyond what the lost batch may have used
		return r.commit()
	}
	return nil
}

// begin starts a batch with a number above the last one.
func (r *run) begin(last int64) {
	r.batch = max(time.Now().UnixMilli(), last+1)
	r.begun = time.Now()
	r.pending = 0
}

func (r *run) skip(path, reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.SkippedTotal++
	if len(r.sum.Skipped) < maxListed {
		r.sum.Skipped = append(r.sum.Skipped, file.Skip{Name: path, Reason: reason})
	}
	if len(r.problems) < 100000 { // of one batch; a bound against a file of nothing but faults
		r.problems = append(r.problems, state.Problem{Path: path, Reason: reason, At: time.Now()})
	}
}

// all reads the files with the workers and commits in between.
func (r *run) all(ctx context.Context, list []file.File) error {
	var todo []file.File
	for _, f := range list {
		done, err := r.db.Done(stateFile(f, 0))
		if err != nil {
			return fmt.Errorf("cannot read state: %w", err)
		}
		if done {
			r.sum.FilesDone++
			continue
		}
		todo = append(todo, f)
		r.o.Progress.total.Add(f.Size)
	}
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan file.File)
	var wg sync.WaitGroup
	for range r.o.Workers {
		w := &worker{run: r, out: r.store.NewWriter()}
		r.writers = append(r.writers, w.out)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for f := range next {
				if err := w.file(work, f); err != nil {
					cancel(err)
					return
				}
			}
		}()
	}
feed:
	for _, f := range todo {
		select {
		case next <- f:
		case <-work.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	err := context.Cause(work)
	if err == nil || ctx.Err() != nil {
		err = errors.Join(err, r.commit())
	}
	for _, w := range r.writers {
		w.Close()
	}
	return err
}

func stateFile(f file.File, events int64) state.File {
	return state.File{Path: f.Path, Size: f.Size, Mod: f.Mod, Events: events}
}

// commit makes everything taken in so far durable. No worker may be between
// noting an id and adding its row: the caller holds the gate, or no worker
// runs.
func (r *run) commit() error {
	for _, w := range r.writers {
		w.Flush()
	}
	if err := r.store.Sync(); err != nil {
		return fmt.Errorf("cannot make events durable: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ids.commit(); err != nil {
		return err
	}
	if err := r.db.Commit(r.batch, r.seq, r.finished, r.problems); err != nil {
		return err
	}
	r.finished, r.problems = nil, nil
	r.begin(r.batch)
	return nil
}

// due reports whether a commit should be made now.
func (r *run) due() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pending >= batchEvents || r.pending > 0 && time.Since(r.begun) > batchAge
}

// worker reads files one after the other.
type worker struct {
	run   *run
	out   *vlogs.Writer
	chunk []taken
	errs  int
}

// taken is a record that is about to be added.
type taken struct {
	raw  []byte
	meta event.Meta
	ns   int64
	id   vlogs.Identity
}

func hash(b []byte) (id [16]byte) {
	sum := sha256.Sum256(b)
	copy(id[:], sum[:])
	return id
}

// file takes one file in; only errors that end the ingest are returned.
func (w *worker) file(ctx context.Context, f file.File) error {
	r := w.run
	in, err := file.Open(f, r.o.Limits, &r.o.Progress.read)
	if err != nil {
		r.skip(f.Path, file.Reason(err))
		return nil
	}
	defer in.Close()
	meta := f.Meta(r.o.Index, r.o.Sourcetype)
	ordinal, digest := 0, false
	var failed error
	in.BeforeReuse = func() { failed = errors.Join(failed, w.flush()) }
	whole := false
	for !whole {
		rec, err := in.Next()
		var one *event.RecordError
		switch {
		case failed != nil:
			return failed
		case ctx.Err() != nil:
			return errors.Join(w.flush(), context.Cause(ctx))
		case err == io.EOF:
			whole = true
			continue
		case errors.As(err, &one):
			r.skip(f.Path, err.Error())
			continue
		case err != nil:
			r.skip(f.Path, err.Error())
			whole = true
			continue
		case rec.Kind == event.Digest:
			digest = true
			continue
		}
		ordinal++
		if err := w.take(rec, meta, ordinal); err != nil {
			r.skip(f.Path, fmt.Sprintf("byte %d: %v", rec.Offset, err))
		}
		if len(w.chunk) == chunkRows {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	r.mu.Lock()
	r.finished = append(r.finished, stateFile(f, int64(ordinal)))
	r.sum.Files++
	if digest {
		r.sum.Digests++
	}
	r.mu.Unlock()
	return nil
}

// take prepares one record.
func (w *worker) take(rec event.Record, meta event.Meta, ordinal int) error {
	if meta.Sourcetype == "" {
		meta.Sourcetype = event.Detect(rec.Raw)
	}
	if rec.Time != 0 {
		meta.Fallback = rec.Time
	}
	t := taken{raw: rec.Raw, meta: meta, ns: meta.Fallback}
	if ns, ok := event.TimeOf(rec.Raw); ok {
		t.ns = ns
	}
	if t.id.ID, t.id.Given = event.ID(rec.Raw); !t.id.Given {
		t.id.ID = nameless(hash, meta.Source, ordinal, rec.Raw)
	}
	w.chunk = append(w.chunk, t)
	return nil
}

// flush adds the records of the chunk that are new, and makes the commit if one
// is due.
func (w *worker) flush() error {
	if len(w.chunk) == 0 {
		return nil
	}
	r := w.run
	if err := w.add(); err != nil {
		return err
	}
	w.chunk = w.chunk[:0]
	if !r.due() {
		return nil
	}
	r.gate.Lock()
	defer r.gate.Unlock()
	if !r.due() { // another worker was faster
		return nil
	}
	return r.commit()
}

func (w *worker) add() error {
	r := w.run
	r.gate.RLock()
	defer r.gate.RUnlock()
	r.mu.Lock()
	kept := w.chunk[:0]
	for _, t := range w.chunk {
		fresh, err := r.ids.add(t.id.ID, t.ns)
		if err != nil {
			r.mu.Unlock()
			return err
		}
		if fresh {
			kept = append(kept, t)
		} else {
			r.sum.Duplicates++
		}
	}
	seq, batch := r.seq, r.batch
	r.seq += uint64(len(kept))
	r.pending += len(kept)
	r.sum.Events += len(kept)
	r.mu.Unlock()
	for i := range kept {
		t := &kept[i]
		if err := w.out.Add(t.raw, &t.meta, t.ns, batch, seq+uint64(i), t.id); err != nil {
			return fmt.Errorf("cannot add an event of %q: %w", t.meta.Source, err)
		}
	}
	return nil
}
