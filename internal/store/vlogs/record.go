package vlogs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/tally"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// recordColumns are read along with the record.
var recordColumns = []string{timeName, rawColumn, event.Index, event.Sourcetype, event.Source, event.Host, batchColumn, seqColumn, trueTime, bigColumn}

// records delivers rows whose fields are read from their records.
func (sc *scan) records(ctx context.Context, p part, emit func(int, *vector.Batch) error) error {
	readers := make([]*recordReader, sc.workers)
	for i := range readers {
		var err error
		if readers[i], err = newRecordReader(ctx, sc, p.check); err != nil {
			return err
		}
	}
	return sc.ask(ctx, p, fieldsPipe(recordColumns), func(w int, db *logstorage.DataBlock) error {
		return readers[w].block(db, func(b *vector.Batch) error { return emit(w, b) })
	})
}

// recordReader converts the records of blocks to batches, for one worker.
type recordReader struct {
	sc      *scan
	matcher *filter.Matcher    // nil = every row matches
	checked *store.FieldReader // fields that matcher reads
	wanted  *store.FieldReader // fields that are delivered
	times   []int64
	metas   []event.Meta
	seqs    []float64
	when    []int64
	raws    [][]byte
	arena   []byte // backs raws
}

func newRecordReader(ctx context.Context, sc *scan, check filter.Expr) (*recordReader, error) {
	r := &recordReader{sc: sc, wanted: store.NewFieldReader(ctx, sc.q.Fields)}
	if check != nil {
		if _, all := check.(*filter.Everything); !all {
			var err error
			if r.matcher, err = filter.NewMatcher(check, sc.q.Now); err != nil {
				return nil, err
			}
			r.checked = store.NewFieldReader(ctx, filter.Fields(filter.FieldsOf(check)...))
		}
	}
	return r, nil
}

// recordRows is the number of records in a batch.
const recordRows = 512

func (r *recordReader) block(db *logstorage.DataBlock, emit func(*vector.Batch) error) error {
	var ok bool
	if r.times, ok = db.GetTimestamps(r.times[:0]); !ok {
		return errors.New("the store returned rows without a time")
	}
	b := blockColumns{db: db}
	if len(r.times) > 0 {
		b.day = tally.DayOf(r.times[0])
	}
	ownTimes(r.times)
	for from := 0; from < len(r.times); from += recordRows {
		to := min(from+recordRows, len(r.times))
		if err := r.load(&b, from, to); err != nil {
			return err
		}
		rows, err := r.rows()
		if err != nil {
			return err
		}
		if rows.Len > 0 {
			if err := emit(rows); err != nil {
				return err
			}
		}
	}
	return nil
}

// load copies rows out of a block, because the block's strings do not outlive
// it.
func (r *recordReader) load(b *blockColumns, from, to int) error {
	r.metas, r.seqs, r.when, r.raws = r.metas[:0], r.seqs[:0], r.when[:0], nil
	size := 0
	for i := from; i < to; i++ {
		size += len(b.at(rawColumn, i))
	}
	arena := r.arena[:0]
	if r.wanted.Whole() || cap(arena) < size { // whole records leave with the batch
		arena = make([]byte, 0, size)
		r.arena = arena
	}
	for i := from; i < to; i++ {
		ns := r.times[i]
		if t := b.at(trueTime, i); t != "" {
			var err error
			if ns, err = strconv.ParseInt(t, 10, 64); err != nil {
				return fmt.Errorf("the store contains an invalid time: %w", err)
			}
			if q := r.sc.q; ns < q.Earliest || q.Latest != store.End && ns >= q.Latest {
				continue
			}
		}
		at := len(arena)
		arena = append(arena, b.at(rawColumn, i)...)
		raw := arena[at:len(arena):len(arena)]
		if len(raw) == 0 { // every row has a record
			return r.sc.s.foundDamage(filepath.Join(r.sc.s.partition(b.day), "datadb") + ": a row has no record")
		}
		if name := b.at(bigColumn, i); name != "" {
			var err error
			if raw, err = r.sc.s.readBig(name); err != nil {
				return err
			}
		}
		var last event.Meta
		if n := len(r.metas); n > 0 {
			last = r.metas[n-1]
		}
		m := event.Meta{
			Index: same(last.Index, b.at(event.Index, i)), Sourcetype: same(last.Sourcetype, b.at(event.Sourcetype, i)),
			Source: same(last.Source, b.at(event.Source, i)), Host: same(last.Host, b.at(event.Host, i)), Fallback: ns,
		}
		if ms, ok := vector.ParseNumber(b.at(batchColumn, i)); ok {
			m.IndexTime = ms / 1000
		}
		seq, _ := vector.ParseNumber(b.at(seqColumn, i))
		r.metas, r.seqs, r.when, r.raws = append(r.metas, m), append(r.seqs, seq), append(r.when, ns), append(r.raws, raw)
	}
	return nil
}

// same returns a lasting copy of s, reusing the previous one if it is equal.
func same(before, s string) string {
	if before == s {
		return before
	}
	return string([]byte(s))
}

// rows builds a batch of the loaded records that match.
func (r *recordReader) rows() (*vector.Batch, error) {
	hits, err := r.hits()
	if err != nil {
		return nil, err
	}
	b := vector.NewBuilder().Expect(len(hits))
	for _, i := range hits {
		b.Add()
		if err := r.wanted.Read(b, r.raws[i], &r.metas[i]); err != nil {
			return nil, unreadable(err)
		}
		if r.sc.q.Ordered {
			b.Set(event.Time, timeValue(r.when[i]))
			b.Set(store.Seq, vector.Float(r.seqs[i]))
		}
	}
	return b.Batch(), nil
}

// hits returns the loaded records that match.
func (r *recordReader) hits() ([]int32, error) {
	if r.matcher == nil {
		all := make([]int32, len(r.raws))
		for i := range all {
			all[i] = int32(i)
		}
		return all, nil
	}
	b := vector.NewBuilder().Expect(len(r.raws))
	for i, raw := range r.raws {
		b.Add()
		if err := r.checked.Read(b, raw, &r.metas[i]); err != nil {
			return nil, unreadable(err)
		}
	}
	return r.matcher.Select(b.Batch()), nil
}

func unreadable(err error) error {
	return fmt.Errorf("the store contains an unreadable record: %w", err)
}

// blockColumns finds the columns of a block by name.
type blockColumns struct {
	db    *logstorage.DataBlock
	day   tally.Day // the partition of its rows
	names []string
	cols  []*logstorage.BlockColumn
}

// at returns the value of a column in row i, "" if it has none.
func (b *blockColumns) at(name string, i int) string {
	n := slices.Index(b.names, name)
	if n < 0 {
		n = len(b.names)
		b.names, b.cols = append(b.names, name), append(b.cols, b.db.GetColumnByName(name))
	}
	if b.cols[n] == nil {
		return ""
	}
	return b.cols[n].Values[i]
}
