package ingest

import (
	"context"
	"errors"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/idset"
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

var usual = limits{events: 400_000, bytes: 128 << 20, age: 20 * time.Second}

// recover reads the checkpoint and, after a crash, notes the ids of what was
// stored behind it.
func (p *Pipeline) recover(ctx context.Context) error {
	var err error
	if p.point, err = p.state.Checkpoint(); err != nil {
		return err
	}
	found := tally.Tallies{}
	if p.point.Running {
		var failed error
		var worker SinkWorker
		if p.sink != nil {
			worker = p.sink.Worker()
		}
		err = p.store.Since(ctx, p.point.Batch, func(e vlogs.Stored) {
			if worker != nil && failed == nil {
				failed = showStored(worker, &e)
			}
			key := keyOf(e.Time, e.Timed)
			isNew, err := p.ids.Add(e.ID, key)
			if err != nil {
				failed = errors.Join(failed, err)
			} else if !isNew {
				p.ids.Counted(e.ID, key)
			}
			found.Add(tally.Key{Day: e.Day, Index: e.Index}, e.ID)
			p.point.Events++
			p.point.Seq = max(p.point.Seq, e.Seq+1)
			p.point.Batch = max(p.point.Batch, e.Batch)
		})
		if err = errors.Join(err, failed); err != nil {
			return err
		}
		if err := p.ids.Commit(); err != nil {
			return err
		}
	}
	p.seq, p.newest = p.point.Seq, p.point.Batch
	p.point.Running = true
	stored, err := p.state.Tallies()
	if err != nil {
		return err
	}
	stored.Merge(found)
	p.tallies = stored.ByDay()
	if err := p.state.Commit(p.point, nil, nil, found, p.ids.Changed(), p.sinkCommit()); err != nil {
		return err
	}
	if p.sink != nil {
		p.sink.Committed()
	}
	p.store.Show(p.point.Batch)
	return nil
}

// How old a batch of live sources may get before it is committed.
const (
	liveAge    = time.Second
	liveAgeMax = 3 * time.Second
)

// due reports whether a batch is old enough to be committed. Batches of live
// sources are after a second, or ten times as long as the last commit took, so
// that commits leave time for reading; but after three seconds in any case.
func (p *Pipeline) due() bool {
	age := p.cfg.batch.age
	if p.batch.live {
		age = min(age, max(liveAge, min(10*p.took, liveAgeMax)))
	}
	return p.batch.id != 0 && time.Since(p.batch.began) >= age
}

// ripe reports whether the batch is to be committed. p.mu is held.
func (p *Pipeline) ripe() bool {
	return p.batch.events >= p.cfg.batch.events || p.batch.bytes >= p.cfg.batch.bytes || p.due()
}

// takeChunk keeps what is new of a chunk. p.mu is held.
func (p *Pipeline) takeChunk(j *job, ch *chunk) error {
	if p.broken != nil {
		return p.broken
	}
	if err := p.store.Room(); err != nil {
		return err
	}
	b, r := p.batch, j.run
	if b.id == 0 {
		b.began = time.Now()
		b.id = max(b.began.UnixMilli(), p.newest+1)
		p.newest = b.id
	}
	b.live = b.live || r.o.Live
	fresh, err := p.choose(r, ch)
	if err != nil {
		p.broken = err // ids are noted of records that are not stored
		return err
	}
	r.sum.Digests += ch.digests
	r.sum.Controls += ch.controls
	r.sum.LeftOut.Join(ch.leftOut)
	if ch.err != nil {
		ch.problems = append(ch.problems, diag.Unreadable(j.batch.Key, file.Reason(ch.err)))
	}
	for _, problem := range ch.problems {
		if problem.Place == diag.Whole {
			p.counts.fileProblems.Add(1)
		} else {
			p.counts.recordProblems.Add(1)
		}
		problem.Object = j.batch.Name // as the user named it
		r.sum.skip(problem)
	}
	if !j.batch.Passing {
		b.problems = append(b.problems, ch.problems...)
	}
	for name, n := range ch.dropped {
		b.dropped[name] += n
		r.sum.Dropped += int(n)
	}
	j.first, j.last = min(j.first, ch.first), max(j.last, ch.last)
	j.result.Events += fresh
	if j.result.Problems += len(ch.problems); j.result.Problem == "" && len(ch.problems) > 0 {
		j.result.Problem = ch.problems[0].Text
	}
	j.anon = j.anon || ch.anon
	if !j.batch.Passing {
		b.files[j.batch.Key] = j.file(ch, ch.from == 0 || b.files[j.batch.Key].Again)
	}
	if ch.end || ch.err != nil {
		b.share(r).files++
		j.result.Done, j.result.Records = ch.end, ch.read
		b.acks = append(b.acks, ack{r, j.batch, j.result})
	}
	if cap(ch.arena) <= 2*chunkBytes {
		select {
		case p.free <- ch:
		default:
		}
	}
	return nil
}

// choose numbers the records of a chunk that are new and holds them.
func (p *Pipeline) choose(r *run, ch *chunk) (fresh int, err error) {
	b, meta := p.batch, ch.meta
	part, now := b.share(r), p.cfg.Clock().UnixNano()
	floor := p.floor(ch.meta.Index)
	for i := range ch.records {
		rec := &ch.records[i]
		if expired(rec.time, floor) {
			r.sum.Expired++
			continue
		}
		r.sum.Bytes += int64(rec.to - rec.from)
		isNew, err := p.ids.Add(rec.id, keyOf(rec.time, rec.timed))
		if err != nil {
			return fresh, err
		}
		if !isNew {
			r.sum.Duplicates++
			p.counts.duplicates.Add(1)
			continue
		}
		if rec.guessed {
			r.sum.Untimed++
		}
		rec.seq = p.seq
		p.seq++
		b.events++
		fresh++
		b.bytes += int64(rec.to - rec.from)
		part.bytes += int64(rec.to - rec.from)
		if rec.timed {
			part.newest = max(part.newest, min(rec.time, now)) // whoever writes the log may write any time
		}
		b.held.add(rec, ch.arena[rec.from:rec.to], &meta, r.o.Seen, &p.spare)
	}
	part.events += fresh
	return fresh, nil
}

// commit makes the batch durable, shows it to searches and acknowledges what
// ended in it. Another batch fills meanwhile; commits wait for one another. wanted,
// when set, is asked whether to go on once it is this one's turn, while p.mu is
// held. running says whether more will follow.
func (p *Pipeline) commit(running bool, wanted func() bool) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	return p.commitNow(running, wanted)
}

// commitNow is commit while p.turn is held.
func (p *Pipeline) commitNow(running bool, wanted func() bool) error {
	p.mu.Lock()
	if p.broken != nil || wanted != nil && !wanted() {
		defer p.mu.Unlock()
		return p.broken
	}
	b := p.batch
	if b.events > 0 {
		if err := p.store.RoomFor(b.bytes); err != nil { // nothing is lost: the batch waits for room
			p.mu.Unlock()
			return err
		}
	}
	b.seq = p.seq
	p.batch = newBatch()
	p.batch.held.records, p.spare.records = p.spare.records, nil
	ids := p.ids.Cut()
	p.mu.Unlock()
	err := p.write(b, ids, running)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.broken = err
		return err
	}
	for _, a := range b.acks {
		acknowledge(a)
	}
	return nil
}

// write is the work of a commit. p.turn is held.
func (p *Pipeline) write(b *batch, ids *idset.Cut, running bool) error {
	start := time.Now()
	if err := p.handOver(b); err != nil {
		return err
	}
	if p.cfg.handedOver != nil {
		if err := p.cfg.handedOver(b); err != nil {
			return err
		}
	}
	var promise vlogs.Promise
	if b.events > 0 {
		for _, w := range p.writers {
			promise.Merge(w.Promised())
		}
		y := yielding{searching: p.searching}
		y.yield(context.Background())
		if err := p.store.Sync(); err != nil {
			return err
		}
		// Before the ids are remembered: what was lost is taken in by the next run.
		if err := p.store.Verify(context.Background(), b.id, &promise, p.tallies); err != nil {
			return err
		}
	}
	if err := ids.Write(); err != nil {
		return err
	}
	p.mu.Lock()
	err := ids.Finish()
	changed := p.ids.Changed()
	p.spare.take(&b.held)
	if h := &p.batch.held; len(h.records) == 0 {
		h.records, p.spare.records = p.spare.records, nil
	}
	p.mu.Unlock()
	if err != nil {
		return err
	}
	p.point.Batch = max(p.point.Batch, b.id)
	p.point.Seq = b.seq
	p.point.Events += int64(b.events)
	p.point.Running = running
	files := make([]state.File, 0, len(b.files))
	for _, f := range b.files {
		files = append(files, f)
	}
	if err := p.state.Commit(p.point, files, b.problems, promise.Tallies, changed, p.dropsCommit(b.dropped)); err != nil {
		return err
	}
	if p.sink != nil {
		p.sink.Committed()
	}
	for day, t := range promise.Tallies.ByDay() {
		t.Merge(p.tallies[day])
		p.tallies[day] = t
	}
	p.store.Show(p.point.Batch)
	p.mu.Lock()
	defer p.mu.Unlock()
	for r, part := range b.touched {
		r.sum.Events += part.events
		p.counts.stored(r.o.Source, part)
	}
	p.counts.drop(b.dropped)
	p.took = time.Since(start)
	p.counts.commits.Add(1)
	p.counts.commitTime.Add(int64(p.took))
	p.counts.lastCommit.Store(int64(p.took))
	return nil
}
