package vlogs

import (
	"context"
	"encoding/binary"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// reading describes how a scan gets the fields it needs from the engine's
// columns.
type reading struct {
	fields  []string         // fields with their own column, or computed from the time
	made    *event.Extractor // computes fields from leaves, nil = none
	names   []string         // fields that made computes
	leaves  []string         // columns of the leaves that made reads
	columns []string         // engine columns that all this needs
}

// newReading returns nil if some field has to be read from the record.
func newReading(fields []string) *reading {
	r := &reading{}
	for _, f := range fields {
		switch col, ok := columnOf(f); {
		case f == event.Time, isDate(f):
			r.fields = append(r.fields, f)
			r.ask(timeName)
		case f == event.IndexTime:
			r.fields = append(r.fields, f)
			r.ask(batchColumn)
		case ok:
			r.fields = append(r.fields, f)
			r.ask(col)
		case event.Addon(f) != nil && !event.FromText(f):
			r.names = append(r.names, f)
		default:
			return nil
		}
	}
	if r.names != nil {
		r.made = event.NewExtractor(r.names)
		r.ask(event.Sourcetype)
		for _, leaf := range r.made.Leaves() {
			col, ok := leafColumn(leaf)
			if !ok {
				return nil
			}
			r.leaves = append(r.leaves, col)
			r.ask(col)
		}
	}
	return r
}

// order adds the columns that order rows.
func (r *reading) order() {
	if !slices.Contains(r.fields, event.Time) {
		r.fields = append(r.fields, event.Time)
	}
	r.ask(timeName)
	r.ask(seqColumn)
}

// ask adds a column to those requested from the engine.
func (r *reading) ask(column string) {
	if !slices.Contains(r.columns, column) {
		r.columns = append(r.columns, column)
	}
}

// fromColumns delivers ordinary rows without looking at their records.
func (sc *scan) fromColumns(ctx context.Context, p part, emit func(int, *vector.Batch) error) error {
	readers := make([]*columnReader, sc.workers)
	for i := range readers {
		r := newColumnReader(sc.reading)
		r.ordered = sc.q.Ordered
		if p.check != nil {
			var err error
			if r.matcher, err = filter.NewMatcher(p.check, sc.q.Now); err != nil {
				return err
			}
		}
		readers[i] = r
	}
	return sc.ask(ctx, p, fieldsPipe(sc.reading.columns), func(w int, db *logstorage.DataBlock) error {
		if b := readers[w].batch(db); b.Len > 0 {
			return emit(w, b)
		}
		return nil
	})
}

// columnReader converts blocks to batches for one worker.
type columnReader struct {
	*reading
	matcher   *filter.Matcher // nil = every row matches
	ordered   bool
	times     []int64
	row       *event.Row // input of made
	meta      event.Meta
	differing []leafValues     // in a block
	known     map[string]int32 // code of a combination of differing values
	buf       []byte           // backs key
}

func newColumnReader(r *reading) *columnReader {
	c := &columnReader{reading: r, known: map[string]int32{}}
	if r.made != nil {
		c.row = r.made.NewRow()
	}
	return c
}

func (r *columnReader) batch(db *logstorage.DataBlock) *vector.Batch {
	if slices.Contains(r.columns, timeName) {
		r.times, _ = db.GetTimestamps(r.times[:0])
		ownTimes(r.times)
	}
	b := r.rows(db, r.times)
	if r.ordered {
		b.Cols = append(b.Cols, numbers(store.Seq, db.GetColumnByName(seqColumn), 1))
	}
	if r.matcher != nil {
		b = r.matcher.Filter(b)
	}
	return b
}

// rows builds the fields of a block whose rows have the given times.
func (r *columnReader) rows(db *logstorage.DataBlock, times []int64) *vector.Batch {
	b := &vector.Batch{Len: db.RowsCount()}
	for _, f := range r.fields {
		switch {
		case f == event.Time:
			b.Cols = append(b.Cols, timeColumn(times))
		case isDate(f):
			b.Cols = append(b.Cols, dates(f, times))
		case f == event.IndexTime:
			b.Cols = append(b.Cols, numbers(f, db.GetColumnByName(batchColumn), 1000))
		default:
			name, _ := columnOf(f)
			if c := db.GetColumnByName(name); c != nil {
				b.Cols = append(b.Cols, column(f, c.Values))
			}
		}
	}
	if r.made != nil {
		b.Cols = append(b.Cols, r.compute(db)...)
	}
	// The engine returns a column for every name requested. A field that no row
	// has must not exist for commands with wildcards.
	b.Cols = slices.DeleteFunc(b.Cols, func(c *vector.Column) bool {
		v, ok := c.Constant()
		return ok && v.IsNull()
	})
	return b
}

// compute computes the fields that depend on leaves, once for each combination
// of the leaves that differ within the block. Rows of a stream are stored
// together, so there are few combinations.
func (r *columnReader) compute(db *logstorage.DataBlock) []*vector.Column {
	r.leavesOf(db)
	codes := make([]int32, db.RowsCount())
	dicts := make([][]vector.Value, len(r.names))
	clear(r.known)
	remember := true
	code, n := int32(-1), 0 // n is the number of combinations in dicts
	for i := range codes {
		if i > 0 && r.same(i) {
			codes[i] = code
			continue
		}
		if remember {
			if known, ok := r.known[string(r.key(i))]; ok {
				code, codes[i] = known, known
				continue
			}
			// Caching combinations that do not repeat costs more than it saves.
			if remember = i < 256 || n < i/2; remember {
				r.known[string(r.buf)] = int32(n)
			}
		}
		for _, l := range r.differing {
			if l.leaf < 0 {
				r.meta.Sourcetype = l.values[i]
				continue
			}
			r.row.SetLeaf(l.leaf, decode(l.values[i]))
		}
		r.made.Compute(&r.meta, r.row)
		for k := range r.names {
			dicts[k] = append(dicts[k], store.Value(r.row.Cell(k)).Clone())
		}
		code = int32(n)
		codes[i] = code
		n++
	}
	cols := make([]*vector.Column, len(r.names))
	for k, name := range r.names {
		if n == 1 {
			cols[k] = vector.Constant(name, dicts[k][0])
			continue
		}
		cols[k] = vector.Coded(name, dicts[k], codes)
	}
	return cols
}

// leafValues are the values of a leaf in a block.
type leafValues struct {
	leaf   int // -1 = the sourcetype
	values []string
}

// leavesOf sets the leaves that all rows of a block share, and collects the
// others.
func (r *columnReader) leavesOf(db *logstorage.DataBlock) {
	r.differing = r.differing[:0]
	r.meta.Sourcetype = ""
	if values := valuesOf(db, event.Sourcetype); differ(values) {
		r.differing = append(r.differing, leafValues{-1, values})
	} else if len(values) > 0 {
		r.meta.Sourcetype = values[0]
	}
	for k, name := range r.leaves {
		values := valuesOf(db, name)
		if differ(values) {
			r.differing = append(r.differing, leafValues{k, values})
			continue
		}
		var c event.Cell
		if len(values) > 0 {
			c = decode(values[0])
		}
		r.row.SetLeaf(k, c)
	}
}

func valuesOf(db *logstorage.DataBlock, column string) []string {
	if c := db.GetColumnByName(column); c != nil {
		return c.Values
	}
	return nil
}

func differ(values []string) bool {
	for i := 1; i < len(values); i++ {
		if values[i] != values[0] {
			return true
		}
	}
	return false
}

// key returns a key that identifies the combination of row i.
func (r *columnReader) key(i int) []byte {
	r.buf = r.buf[:0]
	for _, l := range r.differing {
		r.buf = append(binary.AppendUvarint(r.buf, uint64(len(l.values[i]))), l.values[i]...)
	}
	return r.buf
}

// same reports whether row i has the same leaves as the previous row.
func (r *columnReader) same(i int) bool {
	for _, l := range r.differing {
		if l.values[i] != l.values[i-1] {
			return false
		}
	}
	return true
}
