package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/state"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// The engine packs rows of one kind of event that lie together far better and
// faster than a mixture, and does not pack such blocks again when it merges
// parts. So the records of a batch are held until it is committed, and rows are
// made of them day by day and kind by kind.

// batch is what one commit makes durable.
type batch struct {
	id       int64 // unix milliseconds, 0 = nothing came yet
	began    time.Time
	seq      uint64 // of the event behind its last one
	live     bool   // some of it came from a source without end
	events   int
	bytes    int64
	held     held
	files    map[string]state.File
	problems []diag.Notice
	dropped  dropped
	touched  map[*run]*share // of the runs with chunks in it
	acks     []ack
}

func newBatch() *batch {
	return &batch{dropped: dropped{}, files: map[string]state.File{}, touched: map[*run]*share{}}
}

// share is what one run gave of a batch.
type share struct {
	events int   // new ones
	bytes  int64 // of these
	files  int   // read to their end or to where they broke
	newest int64 // time of the newest event, in unix nanoseconds; 0 = none has one
}

// share returns the share of a run.
func (b *batch) share(r *run) *share {
	s := b.touched[r]
	if s == nil {
		s = &share{}
		b.touched[r] = s
	}
	return s
}

// heldBlock is the size of the pieces of memory that hold records.
const heldBlock = 1 << 20

// heldRecord is a new record of a batch.
type heldRecord struct {
	record
	raw  []byte
	meta *event.Meta // of its file
	seen bool        // see RunOptions
}

// own returns what is known of a record beside its text.
func (r *heldRecord) own() event.Meta {
	meta := *r.meta
	meta.Fallback = r.time
	if meta.Sourcetype == "" {
		meta.Sourcetype = r.sourcetype
	}
	return meta
}

// held are the new records of a batch.
type held struct {
	records []heldRecord
	blocks  [][]byte // what their text lies in
}

// add copies a record.
func (h *held) add(r *record, raw []byte, meta *event.Meta, seen bool, spare *spare) {
	last := len(h.blocks) - 1
	if last < 0 || cap(h.blocks[last])-len(h.blocks[last]) < len(raw) {
		h.blocks = append(h.blocks, spare.block(len(raw)))
		last++
	}
	b := &h.blocks[last]
	from := len(*b)
	*b = append(*b, raw...)
	h.records = append(h.records, heldRecord{*r, (*b)[from:len(*b):len(*b)], meta, seen})
}

// spare is memory of batches that were committed, for those to come. It is as much
// as the last one took.
type spare struct {
	blocks  [][]byte
	records []heldRecord
}

// block returns an empty block with room for n bytes.
func (s *spare) block(n int) []byte {
	if last := len(s.blocks) - 1; last >= 0 && n <= heldBlock {
		b := s.blocks[last]
		s.blocks = s.blocks[:last]
		return b
	}
	return make([]byte, 0, max(n, heldBlock))
}

// take takes the memory of a batch, whose records are not used any more.
func (s *spare) take(h *held) {
	s.blocks = s.blocks[:0]
	for _, b := range h.blocks {
		if cap(b) == heldBlock {
			s.blocks = append(s.blocks, b[:0])
		}
	}
	s.blocks = slices.Clip(s.blocks)
	s.records = nil
	if 4*len(h.records) >= cap(h.records) {
		clear(h.records)
		s.records = h.records[:0]
	}
}

// Bounds of a portion, in bytes of records. A kind of event is only cut where it
// is long, and days of which there is little share a portion.
const (
	portionBytes = 2 << 20
	portionMost  = 4 << 20
	portionLeast = 128 << 10
)

// portion is a run of records, in the order of their days and kinds.
type portion struct {
	batch   int64
	records []*heldRecord
}

// portions cuts the records into portions.
func (h *held) portions(batch int64) (list []portion) {
	type place struct {
		day  tally.Day
		kind uint64
		at   int
	}
	places := make([]place, len(h.records))
	for i := range h.records {
		places[i] = place{tally.DayOf(h.records[i].time), h.records[i].kind, i}
	}
	slices.SortFunc(places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.kind, b.kind), cmp.Compare(a.at, b.at))
	})
	all := make([]*heldRecord, len(places))
	from, size := 0, 0
	for i, p := range places {
		if size >= portionMost || size >= portionBytes && p.kind != places[i-1].kind || size >= portionLeast && p.day != places[i-1].day {
			list = append(list, portion{batch, all[from:i]})
			from, size = i, 0
		}
		all[i] = &h.records[p.at]
		size += len(all[i].raw)
	}
	if from < len(all) {
		list = append(list, portion{batch, all[from:]})
	}
	return list
}

// handOver makes rows of the records of a batch and hands them to the engine.
// p.turn is held.
func (p *Pipeline) handOver(b *batch) error {
	for _, part := range b.held.portions(b.id) {
		p.building.Add(1)
		p.build <- part
	}
	p.building.Wait()
	p.failedMu.Lock()
	defer p.failedMu.Unlock()
	return p.failed
}

// builder makes rows of portions.
func (p *Pipeline) builder(w *vlogs.Writer) {
	defer w.Close()
	y := yielding{searching: p.searching}
	var worker SinkWorker
	if p.sink != nil {
		worker = p.sink.Worker()
	}
	for part := range p.build {
		err := part.build(w, &y)
		if err == nil && worker != nil {
			err = part.show(worker, &y)
		}
		if err == nil {
			err = p.flush(w, &y)
		}
		if err != nil {
			p.failedMu.Lock()
			p.failed = errors.Join(p.failed, err)
			p.failedMu.Unlock()
		}
		p.building.Done()
	}
}

func (part *portion) build(w *vlogs.Writer, y *yielding) error {
	for _, r := range part.records {
		y.yield(context.Background())
		meta := r.own()
		err := w.Add(&vlogs.Record{
			Raw: r.raw, Meta: &meta, Time: r.time, Timed: r.timed, Batch: part.batch, Seq: r.seq, ID: r.id, Given: r.given,
		})
		if err != nil {
			return fmt.Errorf("cannot store a record of %q: %w", meta.Source, err)
		}
	}
	return nil
}

// lately is for how long after a search another one is expected.
const lately = time.Second

// flush hands the rows of a portion to the engine, which makes a part of them: that
// takes up to a tenth of a second of CPU and cannot pause. It waits for searches
// to end first; while there are searches, only one builder does it, so that the next
// search finds a core.
func (p *Pipeline) flush(w *vlogs.Writer, y *yielding) error {
	y.settle(context.Background())
	if !p.hurried.Load() && p.store.Searched(lately) {
		p.flushing.Lock()
		defer p.flushing.Unlock()
		y.settle(context.Background())
	}
	return w.Flush()
}
