package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/source/file"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// limits say when a batch is committed. A commit costs some tenths of a second;
// what a crash undoes is read again.
type limits struct {
	events int
	bytes  int64
	age    time.Duration
}

var usual = limits{events: 400_000, bytes: 512 << 20, age: 20 * time.Second}

// committer decides which records are new and makes batches of them durable:
// rows, then ids, then the checkpoint. After a crash the rows of batches behind
// the checkpoint are in the store, and their ids are taken from there.
type committer struct {
	o     *Options
	sum   *Summary
	store *vlogs.Store
	state *state.DB
	ids   *idStore

	origin   string           // of the files, see origin
	point    state.Checkpoint // the last one made
	seq      uint64           // of the next event
	batch    int64            // under way, 0 = none
	began    time.Time
	events   int
	bytes    int64
	files    map[string]state.File
	tallies  map[tally.Day]tally.Tally // what is stored
	problems []state.Problem

	writers  []*vlogs.Writer // of the builders
	build    chan *chunk     // to the builders
	free     chan *chunk
	building sync.WaitGroup
	mu       sync.Mutex
	failed   error // of a builder
}

// recover reads the checkpoint and, after a crash, notes the ids of what was
// stored behind it.
func (c *committer) recover(ctx context.Context) error {
	var err error
	if c.point, err = c.state.Checkpoint(); err != nil {
		return err
	}
	c.files, c.origin = map[string]state.File{}, originOf(c.o).String()
	found := tally.Tallies{}
	if c.point.Running {
		var failed error
		err = c.store.Since(ctx, c.point.Batch, func(e vlogs.Stored) {
			if _, err := c.ids.add(e.ID, e.Time); err != nil {
				failed = err
			}
			found.Add(tally.Key{Day: e.Day, Index: e.Index}, e.ID)
			c.point.Events++
			c.point.Seq = max(c.point.Seq, e.Seq+1)
			c.point.Batch = max(c.point.Batch, e.Batch)
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		if err := c.ids.commit(); err != nil {
			return err
		}
	}
	c.seq = c.point.Seq
	c.point.Running = true
	stored, err := c.state.Tallies()
	if err != nil {
		return err
	}
	stored.Merge(found)
	c.tallies = stored.ByDay()
	return c.state.Commit(c.point, nil, nil, found)
}

func (c *committer) close() error {
	return errors.Join(c.state.Close(), c.store.Close())
}

// run takes in the files in their order.
func (c *committer) run(parent context.Context, files []file.File) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	workers := c.o.Workers
	c.free = make(chan *chunk, 4*workers)
	c.build = make(chan *chunk, workers)
	jobs := make(chan *job, 8*workers)  // to the readers
	order := make(chan *job, 8*workers) // to the loop below
	var running, builders sync.WaitGroup
	running.Go(func() {
		defer close(jobs)
		defer close(order)
		c.dispatch(ctx, files, jobs, order)
	})
	for range workers {
		running.Go(func() {
			r := &fileReader{o: c.o, free: c.free}
			for j := range jobs {
				r.read(ctx, j)
			}
		})
		w := c.store.NewWriter()
		c.writers = append(c.writers, w)
		builders.Go(func() { c.builder(w) })
	}
	var err error
	for j := range order {
		if err = c.take(ctx, j); err != nil {
			cancel()
			break
		}
	}
	for range order {
	}
	running.Wait()
	if err == nil || parent.Err() != nil && errors.Is(err, parent.Err()) {
		err = errors.Join(c.commit(false), parent.Err())
	}
	close(c.build)
	builders.Wait()
	return err
}

// dispatch makes jobs of the files. Those that need not be read have no chunks.
func (c *committer) dispatch(ctx context.Context, files []file.File, jobs, order chan<- *job) {
	send := func(to chan<- *job, j *job) bool {
		select {
		case to <- j:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for _, f := range files {
		j := &job{file: f, path: absolute(f.Path), chunks: make(chan *chunk, 2), first: noDay, last: -noDay}
		c.lookUp(j)
		if !send(order, j) {
			return
		}
		if j.done || f.Digest || j.err != nil || !send(jobs, j) {
			close(j.chunks)
		}
	}
}

// lookUp notes what is known of a job's file. One that changed is read anew.
func (c *committer) lookUp(j *job) {
	known, ok, err := c.state.File(j.path)
	j.err = err
	if ok && known.Size == j.file.Size && known.Changed == j.file.Mod.UnixNano() {
		j.done, j.skip = known.Done, known.Records
		j.first, j.last = known.First, known.Last
	}
}

// take takes in the chunks of one file.
func (c *committer) take(ctx context.Context, j *job) error {
	switch {
	case j.err != nil:
		return j.err
	case j.done:
		c.sum.FilesDone++
	case j.file.Digest:
		c.sum.Digests++
	}
	if j.done || j.file.Digest {
		c.o.Progress.done.Add(j.file.Size)
		return nil
	}
	c.sum.Files++
	for ch := range j.chunks {
		if err := c.takeChunk(ctx, j, ch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c *committer) takeChunk(ctx context.Context, j *job, ch *chunk) error {
	if err := c.store.Room(); err != nil {
		return errors.Join(err, c.commit(true))
	}
	if c.batch == 0 {
		c.began = time.Now()
		c.batch = max(c.began.UnixMilli(), c.point.Batch+1)
	}
	if err := c.choose(ch); err != nil {
		return err
	}
	c.sum.Digests += ch.digests
	if ch.err != nil {
		ch.problems = append(ch.problems, state.Problem{Path: j.path, Place: -1, Reason: file.Reason(ch.err)})
	}
	for _, p := range ch.problems {
		c.sum.skip(j.file.Path, p.Reason)
	}
	c.problems = append(c.problems, ch.problems...)
	j.first, j.last = min(j.first, ch.first), max(j.last, ch.last)
	c.files[j.path] = state.File{
		Path: j.path, Size: j.file.Size, Changed: j.file.Mod.UnixNano(), Records: ch.read, Done: ch.end,
		Again: ch.from == 0 || c.files[j.path].Again, First: j.first, Last: j.last, Origin: c.origin,
	}
	ch.batch = c.batch
	c.building.Add(1)
	c.build <- ch
	if c.events >= c.o.batch.events || c.bytes >= c.o.batch.bytes || time.Since(c.began) >= c.o.batch.age {
		return c.commit(true)
	}
	return ctx.Err()
}

// choose keeps the records of a chunk that are new and numbers them.
func (c *committer) choose(ch *chunk) error {
	kept := ch.records[:0]
	for _, r := range ch.records {
		c.sum.Bytes += int64(r.to - r.from)
		isNew, err := c.ids.add(r.id, r.time)
		if err != nil {
			return err
		}
		if !isNew {
			c.sum.Duplicates++
			continue
		}
		r.seq = c.seq
		c.seq++
		c.events++
		c.bytes += int64(r.to - r.from)
		kept = append(kept, r)
	}
	ch.records = kept
	return nil
}

// builder makes rows of the records of chunks.
func (c *committer) builder(w *vlogs.Writer) {
	defer w.Close()
	for ch := range c.build {
		if err := c.rows(w, ch); err != nil {
			c.mu.Lock()
			c.failed = errors.Join(c.failed, err)
			c.mu.Unlock()
		}
		c.building.Done()
		if cap(ch.arena) <= 4*chunkBytes {
			select {
			case c.free <- ch:
			default:
			}
		}
	}
}

func (c *committer) rows(w *vlogs.Writer, ch *chunk) error {
	for i := range ch.records {
		r := &ch.records[i]
		meta := ch.meta
		meta.Fallback = r.time
		switch {
		case c.o.Sourcetype != "":
			meta.Sourcetype = c.o.Sourcetype
		case r.cloudTrail:
			meta.Sourcetype = event.CloudTrail
		default:
			meta.Sourcetype = event.JSON
		}
		err := w.Add(&vlogs.Record{
			Raw: ch.arena[r.from:r.to], Meta: &meta, Time: r.time, Timed: r.timed, Batch: ch.batch, Seq: r.seq, ID: r.id, Given: r.given,
		})
		if err != nil {
			return fmt.Errorf("cannot store a record of %q: %w", ch.meta.Source, err)
		}
	}
	return nil
}

// commit makes the batch durable; running says whether more will follow.
func (c *committer) commit(running bool) error {
	c.building.Wait()
	c.mu.Lock()
	err := c.failed
	c.mu.Unlock()
	if err != nil {
		return err
	}
	var promise vlogs.Promise
	if c.events > 0 {
		for _, w := range c.writers {
			w.Flush()
			promise.Merge(w.Promised())
		}
		if err := c.store.Sync(); err != nil {
			return err
		}
		// Before the ids are remembered: what was lost is taken in by the next run.
		if err := c.store.Verify(context.Background(), c.batch, &promise, c.tallies); err != nil {
			return err
		}
		if err := c.ids.commit(); err != nil {
			return err
		}
	}
	c.point.Batch = max(c.point.Batch, c.batch)
	c.point.Seq = c.seq
	c.point.Events += int64(c.events)
	c.point.Running = running
	files := make([]state.File, 0, len(c.files))
	for _, f := range c.files {
		files = append(files, f)
	}
	if err := c.state.Commit(c.point, files, c.problems, promise.Tallies); err != nil {
		return err
	}
	for day, t := range promise.Tallies.ByDay() {
		t.Merge(c.tallies[day])
		c.tallies[day] = t
	}
	c.sum.Events += c.events
	c.batch, c.events, c.bytes, c.problems = 0, 0, 0, c.problems[:0]
	clear(c.files)
	return nil
}
