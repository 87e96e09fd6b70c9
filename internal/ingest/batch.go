package ingest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/store/vlogs"
	"bluetrail/internal/tally"
)

// The engine packs rows of one kind of event that lie together far better and
// faster than a mixture, and does not pack such blocks again when it merges
// parts. So the records of a batch are held until it is committed, and rows are
// made of them day by day and kind by kind.

// heldBlock is the size of the pieces of memory that hold records.
const heldBlock = 1 << 20

// heldRecord is a new record of the batch under way.
type heldRecord struct {
	record
	raw  []byte
	meta *event.Meta // of its file
}

// held are the new records of the batch under way.
type held struct {
	records []heldRecord
	blocks  [][]byte // what their text lies in
	used    int      // how many blocks are in use
}

// add copies a record.
func (h *held) add(r *record, raw []byte, meta *event.Meta) {
	if h.used == 0 || cap(h.blocks[h.used-1])-len(h.blocks[h.used-1]) < len(raw) {
		if h.used == len(h.blocks) {
			h.blocks = append(h.blocks, nil)
		}
		if b := &h.blocks[h.used]; cap(*b) < max(len(raw), heldBlock) {
			*b = make([]byte, 0, max(len(raw), heldBlock))
		}
		h.used++
	}
	b := &h.blocks[h.used-1]
	from := len(*b)
	*b = append(*b, raw...)
	h.records = append(h.records, heldRecord{*r, (*b)[from:len(*b):len(*b)], meta})
}

// reset forgets the records. It keeps as much memory as they took.
func (h *held) reset() {
	h.blocks = slices.Delete(h.blocks, h.used, len(h.blocks))
	h.blocks = slices.DeleteFunc(h.blocks, func(b []byte) bool { return cap(b) > heldBlock })
	for i := range h.blocks {
		h.blocks[i] = h.blocks[i][:0]
	}
	if n := len(h.records); 4*n < cap(h.records) {
		h.records = make([]heldRecord, 0, 2*n)
	}
	clear(h.records)
	h.records, h.used = h.records[:0], 0
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

// handOver makes rows of the records of the batch and hands them to the engine.
// p.mu is held.
func (p *Pipeline) handOver() error {
	for _, part := range p.held.portions(p.batch) {
		p.building.Add(1)
		p.build <- part
	}
	p.building.Wait()
	p.held.reset()
	p.failedMu.Lock()
	defer p.failedMu.Unlock()
	return p.failed
}

// builder makes rows of portions.
func (p *Pipeline) builder(w *vlogs.Writer) {
	defer w.Close()
	y := yielding{searching: p.store.Searching}
	for part := range p.build {
		if err := part.build(w, &y); err != nil {
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
		meta := *r.meta
		meta.Fallback = r.time
		if meta.Sourcetype == "" {
			meta.Sourcetype = r.sourcetype
		}
		err := w.Add(&vlogs.Record{
			Raw: r.raw, Meta: &meta, Time: r.time, Timed: r.timed, Batch: part.batch, Seq: r.seq, ID: r.id, Given: r.given,
		})
		if err != nil {
			return fmt.Errorf("cannot store a record of %q: %w", meta.Source, err)
		}
	}
	return w.Flush()
}
