package ingest

import (
	"context"
	"errors"
	"time"

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
		err = p.store.Since(ctx, p.point.Batch, func(e vlogs.Stored) {
			key := keyOf(e.Time, e.Timed)
			isNew, err := p.ids.Add(e.ID, key)
			if err != nil {
				failed = err
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
	p.seq = p.point.Seq
	p.point.Running = true
	stored, err := p.state.Tallies()
	if err != nil {
		return err
	}
	stored.Merge(found)
	p.tallies = stored.ByDay()
	if err := p.state.Commit(p.point, nil, nil, found, p.ids.Changed()); err != nil {
		return err
	}
	p.store.Show(p.point.Batch)
	return nil
}

// due reports whether a batch is old enough to be committed. Batches of live
// sources are, after a second; commits take at most about a tenth of the time.
func (p *Pipeline) due() bool {
	age := p.cfg.batch.age
	if p.live {
		age = min(age, max(time.Second, 10*p.took))
	}
	return time.Since(p.began) >= age
}

// takeChunk keeps what is new of a chunk and commits when the batch is large
// enough. p.mu is held.
func (p *Pipeline) takeChunk(j *job, ch *chunk) ([]ack, error) {
	if p.broken != nil {
		return nil, p.broken
	}
	if err := p.store.Room(); err != nil {
		acks, committed := p.commit(true)
		return acks, errors.Join(err, committed)
	}
	if p.batch == 0 {
		p.began = time.Now()
		p.batch = max(p.began.UnixMilli(), p.point.Batch+1)
	}
	r := j.run
	p.touched[r] = true
	p.live = p.live || r.o.Live
	fresh, err := p.choose(r, ch)
	if err != nil {
		p.broken = err // ids are noted of records that are not stored
		return nil, err
	}
	r.sum.Digests += ch.digests
	r.sum.Controls += ch.controls
	r.sum.LeftOut.Join(ch.leftOut)
	if ch.err != nil {
		ch.problems = append(ch.problems, state.Problem{Path: j.batch.Key, Place: -1, Reason: file.Reason(ch.err)})
	}
	p.counts.problems.Add(int64(len(ch.problems)))
	for _, problem := range ch.problems {
		r.sum.skip(j.batch.Name, problem.Reason)
	}
	p.problems = append(p.problems, ch.problems...)
	j.first, j.last = min(j.first, ch.first), max(j.last, ch.last)
	j.result.Events += fresh
	j.result.Problems += len(ch.problems)
	p.files[j.batch.Key] = state.File{
		Path: j.batch.Key, Size: j.batch.Size, Changed: j.batch.Changed.UnixNano(), Print: j.batch.Print, Records: ch.read, Done: ch.end,
		Again: ch.from == 0 || p.files[j.batch.Key].Again, First: j.first, Last: j.last, Origin: r.origin,
	}
	if ch.end || ch.err != nil {
		j.result.Done, j.result.Records = ch.end, ch.read
		p.acks = append(p.acks, ack{r, j.batch, j.result})
	}
	if cap(ch.arena) <= 2*chunkBytes {
		select {
		case p.free <- ch:
		default:
		}
	}
	if p.events >= p.cfg.batch.events || p.bytes >= p.cfg.batch.bytes || p.due() {
		return p.commit(true)
	}
	return nil, nil
}

// choose numbers the records of a chunk that are new and holds them.
func (p *Pipeline) choose(r *run, ch *chunk) (fresh int, err error) {
	meta := ch.meta
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
		p.events++
		fresh++
		p.bytes += int64(rec.to - rec.from)
		p.held.add(rec, ch.arena[rec.from:rec.to], &meta)
	}
	r.pending += fresh
	return fresh, nil
}

// commit makes the batch durable and shows it to searches; running says whether
// more will follow. It returns what is to be acknowledged. p.mu is held.
func (p *Pipeline) commit(running bool) (acks []ack, err error) {
	start := time.Now()
	defer func() {
		if err != nil {
			p.broken = err
		}
	}()
	if err = p.handOver(); err != nil {
		return nil, err
	}
	var promise vlogs.Promise
	if p.events > 0 {
		for _, w := range p.writers {
			promise.Merge(w.Promised())
		}
		if err := p.store.Sync(); err != nil {
			return nil, err
		}
		// Before the ids are remembered: what was lost is taken in by the next run.
		if err := p.store.Verify(context.Background(), p.batch, &promise, p.tallies); err != nil {
			return nil, err
		}
		if err := p.ids.Commit(); err != nil {
			return nil, err
		}
	}
	p.point.Batch = max(p.point.Batch, p.batch)
	p.point.Seq = p.seq
	p.point.Events += int64(p.events)
	p.point.Running = running
	files := make([]state.File, 0, len(p.files))
	for _, f := range p.files {
		files = append(files, f)
	}
	if err := p.state.Commit(p.point, files, p.problems, promise.Tallies, p.ids.Changed()); err != nil {
		return nil, err
	}
	for day, t := range promise.Tallies.ByDay() {
		t.Merge(p.tallies[day])
		p.tallies[day] = t
	}
	p.store.Show(p.point.Batch)
	for r := range p.touched {
		r.sum.Events += r.pending
		r.pending = 0
	}
	p.counts.events.Add(int64(p.events))
	p.counts.bytes.Add(p.bytes)
	acks = p.acks
	p.batch, p.events, p.bytes, p.live, p.acks, p.problems = 0, 0, 0, false, nil, p.problems[:0]
	clear(p.files)
	clear(p.touched)
	p.took = time.Since(start)
	p.counts.commits.Add(1)
	p.counts.commitTime.Add(int64(p.took))
	return acks, nil
}
