package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/idset"
	"bluetrail/internal/source/file"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// batchRows is how many records are tested together. Rows of all fields are
// wide, so batches of them are shorter.
const (
	batchRows = 512
	wideRows  = 64
)

// slack is how much later than an event's time its file may claim to have been
// delivered before it: names give minutes, and clocks differ.
const slack = 10 * time.Minute

// Prepare implements store.Store.
func (s *Store) Prepare(q *store.Query) (store.Scan, error) {
	if _, err := filter.NewMatcher(q.Filter, q.Now); err != nil {
		return nil, err
	}
	sc := &scan{s: s, q: q, filter: event.NewPrefilter(store.Literals(q.Filter)), seen: idset.NewTemp(s.opt.TempDir, 0)}
	for i, f := range s.files {
		if q.Earliest != store.Beginning && !f.Delivered.IsZero() && f.Delivered.Add(slack).UnixNano() < q.Earliest {
			sc.passed++
			continue
		}
		sc.files = append(sc.files, i)
	}
	sc.tests = append(filter.FieldsOf(q.Filter), event.Time)
	sc.test = event.NewExtractor(sc.tests).Identifying()
	sc.alike = !slices.ContainsFunc(filter.FieldsOf(q.Filter), func(f string) bool { return !sameInCopies[f] })
	if !q.Fields.All() && !q.Fields.HasPatterns() {
		sc.wants = q.Fields.Names()
		sc.want = event.NewExtractor(sc.wants)
	}
	sc.workers = s.opt.Workers
	if sc.workers == 0 {
		sc.workers = runtime.GOMAXPROCS(0)
	}
	return sc, nil
}

// sameInCopies are fields that have the same value in all copies of an event,
// wherever they come from: event.Identity is made of them.
var sameInCopies = map[string]bool{"eventID": true, "eventName": true, "eventSource": true, "signature": true, "command": true, "dvc": true}

type scan struct {
	s       *Store
	q       *store.Query
	files   []int // of s.files
	passed  int
	filter  *event.Prefilter
	seen    *idset.Temp
	alike   bool     // copies of an event pass the filter together
	tests   []string // what the filter reads, then the time
	test    *event.Extractor
	wants   []string
	want    *event.Extractor // nil = every field
	workers int
}

func (sc *scan) Residual() filter.Expr { return nil }
func (sc *scan) Workers() int          { return sc.workers }

func (sc *scan) Explain() []string {
	lines := []string{fmt.Sprintf("files: %d read by %d workers", len(sc.files), sc.workers)}
	if sc.passed > 0 {
		lines = append(lines, fmt.Sprintf("files: %d not opened, delivered before the time range", sc.passed))
	}
	for _, g := range store.Literals(sc.q.Filter) {
		lines = append(lines, "files: only records with the text "+strings.Join(g, " or "))
	}
	lines = append(lines, "files: search "+filter.Print(sc.q.Filter))
	if sc.want != nil {
		lines = append(lines, "files: fields "+strings.Join(sc.wants, ", "))
	}
	return lines
}

func (sc *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	defer sc.seen.Close() // nothing is left to write
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for n := range sc.workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			r, err := newReader(sc, func(b *vector.Batch) error { return emit(n, b) })
			if err != nil {
				cancel(err)
				return
			}
			for i := range next {
				if err := r.file(ctx, i); err != nil {
					cancel(err)
					return
				}
			}
		}()
	}
feed:
	for _, i := range sc.files {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// reader is one worker: it reads files, tests records in batches and hands on
// those that pass.
type reader struct {
	sc      *scan
	emit    func(*vector.Batch) error
	matcher *filter.Matcher
	row     *event.Row
	wantRow *event.Row
	extra   *store.Requested // beside every field

	meta    event.Meta
	ordinal int
	records int
	raws    [][]byte
	metas   []event.Meta // of the rows; differ in sourcetype and fallback only
	numbers []int
	cols    [][]vector.Value // by test field
	times   []vector.Value
	dup     []bool     // the row's event was met before
	met     []idset.ID // of the last records, passed over or not, see meet
	places  []int32    // in met, of the last rows
	known   []bool     // of met
	err     error
}

func newReader(sc *scan, emit func(*vector.Batch) error) (*reader, error) {
	m, err := filter.NewMatcher(sc.q.Filter, sc.q.Now)
	if err != nil {
		return nil, err
	}
	r := &reader{sc: sc, emit: emit, matcher: m, row: sc.test.NewRow(), cols: make([][]vector.Value, len(sc.tests)-1)}
	r.extra = store.NewRequested(sc.q.Fields)
	if sc.want != nil {
		r.wantRow = sc.want.NewRow()
	}
	return r, nil
}

// file reads one file; only errors that end the search are returned.
func (r *reader) file(ctx context.Context, i int) error {
	s, f := r.sc.s, r.sc.s.files[i]
	defer s.done.Add(1)
	in, err := file.Open(f, s.opt.Limits, &s.read)
	if err != nil {
		s.skip(f.Path, file.Reason(err))
		return nil
	}
	defer func() {
		s.controls.Add(int64(in.Passed().Controls))
		in.Close()
	}()
	r.meta, r.ordinal, r.records = f.Meta(s.opt.Index, s.opt.Sourcetype), i, 0
	if r.sc.filter.Empty() { // every record's fields are read: in one walk with its end
		in.Fields(r.sc.test, r.row)
	}
	in.BeforeReuse = func() { r.err = errors.Join(r.err, r.flush()) }
	for {
		if r.records%batchRows == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		rec, err := in.Next()
		var one *event.RecordError
		switch {
		case r.err != nil:
			return r.err
		case err == io.EOF:
			return r.flush()
		case errors.As(err, &one):
			s.skip(f.Path, err.Error())
			continue
		case err != nil:
			s.skip(f.Path, err.Error())
			return r.flush()
		case rec.Kind == event.Digest:
			continue
		}
		r.records++
		s.events.Add(1)
		if !r.sc.filter.Match(rec.Raw) {
			if r.sc.alike {
				continue
			}
			// A copy of it that passes counts no more than it does.
			id, _ := event.ID(rec.Raw)
			if r.met = append(r.met, id); len(r.met) >= batchRows {
				if err := r.meet(); err != nil {
					return err
				}
			}
		} else if err := r.take(rec); err != nil {
			s.skip(f.Path, fmt.Sprintf("byte %d: %v", rec.Offset, err))
		}
		if len(r.raws) >= batchRows {
			if err := r.flush(); err != nil {
				return err
			}
		}
	}
}

// take puts a record among those to be tested.
func (r *reader) take(rec event.Record) error {
	m := r.meta
	if m.Sourcetype == "" {
		m.Sourcetype = event.Detect(rec.Raw)
	}
	if rec.Time != 0 {
		m.Fallback = rec.Time
	}
	if rec.Walked {
		r.sc.test.Finish(rec.Raw, &m, r.row)
	} else if err := r.sc.test.Extract(rec.Raw, &m, r.row); err != nil {
		return err
	}
	n := len(r.cols)
	when := store.Value(r.row.Cell(n))
	if q := r.sc.q; q.Earliest != store.Beginning || q.Latest != store.End {
		f, _ := when.Num()
		ns := int64(math.Round(f*1e6)) * 1e3
		if ns < q.Earliest || q.Latest != store.End && ns >= q.Latest {
			return nil
		}
	}
	for i := range r.cols {
		r.cols[i] = append(r.cols[i], store.Value(r.row.Cell(i)))
	}
	about := r.sc.test.Identity(rec.Raw, r.row)
	if m.Guessed && !about.Timed && rec.Time == 0 {
		r.sc.s.untimed.Add(1)
	}
	r.places, r.met = append(r.places, int32(len(r.met))), append(r.met, about.ID)
	r.raws, r.metas, r.numbers, r.times = append(r.raws, rec.Raw), append(r.metas, m), append(r.numbers, r.records), append(r.times, when)
	return nil
}

// flush tests what was taken and hands on the rows that pass.
func (r *reader) flush() error {
	if err := r.meet(); err != nil {
		return err
	}
	if len(r.raws) == 0 {
		return nil
	}
	defer r.forget()
	b := &vector.Batch{Len: len(r.raws)}
	for i, name := range r.sc.tests[:len(r.cols)] {
		if b.Col(name) == nil {
			b.Cols = append(b.Cols, vector.NewColumn(name, r.cols[i]))
		}
	}
	rows := r.matcher.Select(b)
	return r.deliver(r.unique(rows))
}

// meet notes the events of the last records, and which of the rows among them
// are copies.
func (r *reader) meet() error {
	r.known = append(r.known[:0], make([]bool, len(r.met))...)
	if err := r.sc.seen.Add(r.met, r.known); err != nil {
		return err
	}
	for _, place := range r.places {
		r.dup = append(r.dup, r.known[place])
	}
	r.met, r.places = r.met[:0], r.places[:0]
	return nil
}

// forget makes room for the next rows.
func (r *reader) forget() {
	r.dup, r.raws, r.metas, r.numbers, r.times = r.dup[:0], r.raws[:0], r.metas[:0], r.numbers[:0], nil
	for i := range r.cols {
		r.cols[i] = nil // what was handed on may still refer to it
	}
}

// unique drops the rows whose event was met before.
func (r *reader) unique(rows []int32) []int32 {
	kept := rows[:0]
	for _, row := range rows {
		if r.dup[row] {
			r.sc.s.duplicates.Add(1)
			continue
		}
		kept = append(kept, row)
	}
	return kept
}

func (r *reader) deliver(rows []int32) error {
	if len(rows) == 0 {
		return nil
	}
	size := len(rows)
	if r.sc.want == nil {
		size = wideRows
	}
	for from := 0; from < len(rows); from += size {
		b, err := r.batch(rows[from:min(from+size, len(rows))])
		if err != nil {
			return err
		}
		if err := r.emit(b); err != nil {
			return err
		}
	}
	return nil
}

// batch makes the rows as they are handed on.
func (r *reader) batch(rows []int32) (*vector.Batch, error) {
	var b *vector.Batch
	if r.sc.want == nil {
		if r.sc.q.Ordered {
			r.own(rows)
		}
		b = r.whole(rows)
	} else {
		b = &vector.Batch{Len: len(rows)}
		cols, some := make([][]vector.Value, len(r.sc.wants)), make([]bool, len(r.sc.wants))
		for n := range cols {
			cols[n] = make([]vector.Value, len(rows))
		}
		for i, row := range rows {
			if err := r.sc.want.Extract(r.raws[row], &r.metas[row], r.wantRow); err != nil {
				return nil, err
			}
			for n := range cols {
				cols[n][i] = store.Value(r.wantRow.Cell(n))
				some[n] = some[n] || !cols[n][i].IsNull()
			}
		}
		for n, name := range r.sc.wants {
			if !some[n] {
				continue // a field that no row has is no column
			}
			b.Cols = append(b.Cols, vector.NewColumn(name, cols[n]))
		}
		if r.sc.q.Ordered { // the rows are kept for sorting, and must not keep the file
			b = b.Own()
		}
	}
	if !r.sc.q.Ordered {
		return b, nil
	}
	seq, when := make([]vector.Value, len(rows)), make([]vector.Value, len(rows))
	for i, row := range rows {
		seq[i] = vector.Float(float64(r.ordinal)*(1<<26) + float64(r.numbers[row]))
		when[i] = r.times[row]
	}
	return b.With(vector.NewColumn(event.Time, when), vector.NewColumn(store.Seq, seq)), nil
}

// own copies the records of rows, which are kept for sorting, out of the file.
func (r *reader) own(rows []int32) {
	size := 0
	for _, row := range rows {
		size += len(r.raws[row])
	}
	arena := make([]byte, 0, size)
	for _, row := range rows {
		arena = append(arena, r.raws[row]...)
		r.raws[row] = arena[len(arena)-len(r.raws[row]):]
	}
}

// whole makes rows of every field, or of those that fit the patterns.
func (r *reader) whole(rows []int32) *vector.Batch {
	b := vector.NewBuilder()
	for _, row := range rows {
		b.Add()
		// The record was read once already; it cannot fail now.
		_ = event.Flatten(r.raws[row], &r.metas[row], func(name string, c event.Cell) {
			if r.sc.q.Fields.Has(name) {
				b.Set(name, store.Value(&c))
			}
		})
		_ = r.extra.Read(b, r.raws[row], &r.metas[row])
	}
	return b.Batch()
}
