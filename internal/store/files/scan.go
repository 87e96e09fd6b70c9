package files

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/idset"
	"bluetrail/internal/source/file"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// batchRows is how many records are tested together. Rows with all fields are
// wide, so their batches are shorter.
const (
	batchRows = 512
	wideRows  = 64
)

// slack is how much earlier than its events a file may claim to have been
// delivered: names give minutes, and clocks differ.
const slack = 10 * time.Minute

// Prepare implements store.Store.
func (s *Store) Prepare(q *store.Query) (store.Scan, error) {
	if _, err := filter.NewMatcher(q.Filter, q.Now); err != nil {
		return nil, err
	}
	sc := &scan{s: s, q: q, filter: event.NewPrefilter(store.Literals(q.Filter)), seen: idset.NewTemp(s.opt.TempDir, 0)}
	for i := range s.files {
		f := &s.files[i]
		if q.Earliest != store.Beginning && !f.Delivered.IsZero() && f.Delivered.Add(slack).UnixNano() < q.Earliest {
			sc.passed++
			s.passed.take(&passed{n: 1, first: f.Delivered.UnixNano(), last: f.Delivered.UnixNano()})
			continue
		}
		sc.files = append(sc.files, f)
		sc.size += f.Size
	}
	s.ask(q.Earliest, q.Latest)
	sc.tests = filter.FieldsOf(q.Filter)
	slices.Sort(sc.tests)
	sc.tests = slices.Compact(sc.tests)
	sc.alike = !slices.ContainsFunc(sc.tests, func(f string) bool { return !sameInCopies[f] })
	if !q.Fields.All() && !q.Fields.HasPatterns() {
		sc.wants, sc.chosen = q.Fields.Names(), true
	}
	sc.fields = slices.Clone(sc.tests)
	for _, f := range sc.wants {
		if !slices.Contains(sc.fields, f) {
			sc.fields = append(sc.fields, f)
		}
	}
	sc.reading = event.NewIdentifier(sc.fields)
	sc.workers = s.Workers()
	return sc, nil
}

// sameInCopies are fields that have the same value in all copies of an event,
// because event.Identity is computed from them.
var sameInCopies = map[string]bool{"eventID": true, "eventName": true, "eventSource": true, "signature": true, "command": true, "dvc": true}

type scan struct {
	s       *Store
	q       *store.Query
	files   []*file.File // of those on disks of this machine
	size    int64        // of files, packed
	passed  int
	filter  *event.Prefilter
	seen    *idset.Temp
	alike   bool     // copies of an event pass the filter together
	tests   []string // fields that the filter reads
	wants   []string // fields in the rows, when chosen
	chosen  bool     // otherwise every field is wanted, or those that match patterns
	fields  []string // tests, and the fields of wants that are not among them
	reading *event.Extractor
	workers int
}

// identifier reads no fields.
var identifier = event.NewIdentifier(nil)

func (sc *scan) Residual() filter.Expr { return nil }
func (sc *scan) Workers() int          { return sc.workers }

func (sc *scan) Explain() []string {
	lines := []string{fmt.Sprintf("files: %d read by %d workers", len(sc.files), sc.workers)}
	if r := sc.s.opt.Remote; r != nil {
		lines = append(lines, r.Explain(sc.q.Filter, early(sc.q.Earliest), sc.q.Latest)...)
	}
	if sc.passed > 0 {
		lines = append(lines, fmt.Sprintf("files: %d skipped, delivered before the time range", sc.passed))
	}
	for _, g := range store.Literals(sc.q.Filter) {
		lines = append(lines, "files: only records with the text "+strings.Join(g, " or "))
	}
	lines = append(lines, "files: search "+filter.Print(sc.q.Filter))
	if sc.chosen {
		lines = append(lines, "files: fields "+strings.Join(sc.wants, ", "))
	}
	return lines
}

// packedEvent is roughly how many bytes of a packed CloudTrail file one event
// takes.
const packedEvent = 300

func (sc *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	defer sc.seen.Close() // nothing is left to write
	list, size := sc.files, sc.size
	if sc.s.opt.Remote != nil {
		fetched, err := sc.s.remote(ctx, sc.q.Filter, sc.q.Earliest, sc.q.Latest)
		if err != nil {
			return err
		}
		for _, f := range fetched {
			size += f.Size
		}
		list = merged(list, fetched)
	}
	if !sc.alike || sc.filter.Empty() {
		sc.seen.Expect(int(size / packedEvent))
	}
	return sc.s.pass(ctx, list, sc.workers, func(ctx context.Context, n int, next <-chan job) error {
		r, err := newReader(ctx, sc, func(b *vector.Batch) error { return emit(n, b) })
		if err != nil {
			return err
		}
		for j := range next {
			if err := r.file(&j); err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return nil
		}
		return r.flush()
	})
}

// reader is one worker: it reads files, tests records in batches and passes on
// those that match.
type reader struct {
	ctx     context.Context
	sc      *scan
	emit    func(*vector.Batch) error
	matcher *filter.Matcher
	decoder *event.Decoder
	row     *event.Row
	idRow   *event.Row         // of identifier; nil = the decoder fills row, or no leaves are read
	whole   *store.FieldReader // nil when fields were chosen

	passed  passed
	meta    event.Meta
	ordinal int
	records int
	raws    [][]byte
	metas   []event.Meta     // of the rows, unless fields were chosen
	numbers []float64        // order the rows of the same time
	cols    [][]vector.Value // in the order of scan.fields
	times   []vector.Value
	dup     []bool     // the row's event was seen before
	met     []idset.ID // ids of the last records, skipped or not, see meet
	places  []int32    // positions of the last rows in met
	known   []bool     // whether each id of met was seen before
	err     error
}

func newReader(ctx context.Context, sc *scan, emit func(*vector.Batch) error) (*reader, error) {
	m, err := filter.NewMatcher(sc.q.Filter, sc.q.Now)
	if err != nil {
		return nil, err
	}
	r := &reader{ctx: ctx, sc: sc, emit: emit, matcher: m, decoder: &event.Decoder{}, row: sc.reading.NewRow(), cols: make([][]vector.Value, len(sc.fields))}
	if !sc.chosen {
		r.whole = store.NewFieldReader(ctx, sc.q.Fields)
	}
	// Leaves are read while the decoder looks for the end of a record: all
	// requested leaves if every record may match, otherwise those that identify
	// copies.
	switch {
	case sc.filter.Empty():
		r.decoder.Fields(sc.reading, r.row)
	case !sc.alike:
		r.idRow = identifier.NewRow()
		r.decoder.Fields(identifier, r.idRow)
	}
	r.decoder.BeforeReuse = func() { r.err = errors.Join(r.err, r.flush()) }
	return r, nil
}

// file reads one file. It returns only errors that end the search. The file's
// last records may wait to be tested with those of the next one.
func (r *reader) file(j *job) error {
	s, f := r.sc.s, j.file
	defer s.done.Add(1)
	defer func() { s.passed.take(&r.passed) }()
	in, ok := s.open(r.ctx, r.decoder, j, &s.read)
	if !ok {
		return errors.Join(r.err, context.Cause(r.ctx))
	}
	defer func() {
		s.events.Add(int64(r.records))
		in.Close()
	}()
	r.meta, r.ordinal, r.records = f.Meta(s.opt.Index, s.opt.Sourcetype), j.ordinal, 0
	for {
		rec, ok := s.next(r.ctx, in, f.Path)
		switch {
		case r.err != nil:
			return r.err
		case !ok:
			return context.Cause(r.ctx)
		}
		r.records++
		if r.sc.filter.Match(rec.Raw) {
			if err := r.take(rec); err != nil {
				s.skip(diag.Notice{Level: diag.Problem, Object: f.Path, Place: rec.Offset, Text: fmt.Sprintf("byte %d: %v", rec.Offset, err)})
			}
		} else if !r.sc.alike {
			// A copy of it that passes counts no more than it does.
			r.met = append(r.met, r.identity(rec).ID)
		}
		var err error
		switch {
		case len(r.raws) >= batchRows:
			err = r.flush()
		case len(r.met) >= batchRows:
			err = r.meet()
		}
		if err != nil {
			return err
		}
	}
}

// identity returns the identity of a record of which no fields are read.
func (r *reader) identity(rec event.Record) event.Identity {
	if rec.Walked && r.idRow != nil {
		return identifier.Identity(rec.Raw, r.idRow)
	}
	return event.Identify(rec.Raw)
}

// take queues a record for testing.
func (r *reader) take(rec event.Record) error {
	x := r.sc.reading
	if !rec.Walked || !r.sc.filter.Empty() {
		if err := x.Read(rec.Raw, r.row); err != nil {
			return err
		}
	}
	about := x.Identity(rec.Raw, r.row)
	m := r.meta
	if m.Sourcetype == "" {
		m.Sourcetype = about.Sourcetype
	}
	if rec.Time != 0 {
		m.Fallback = rec.Time
	}
	at := m.Fallback
	if about.Timed {
		at = about.Time
	}
	if !r.inRange(at) {
		r.passed.add(1, at, at)
		return nil
	}
	if m.Guessed && !about.Timed && rec.Time == 0 {
		r.sc.s.untimed.Add(1)
	}
	x.Finish(rec.Raw, &m, r.row)
	for i := range r.cols {
		if r.cols[i] == nil {
			r.cols[i] = make([]vector.Value, 0, batchRows)
		}
		r.cols[i] = append(r.cols[i], store.Value(r.row.Cell(i)))
	}
	r.places, r.met = append(r.places, int32(len(r.met))), append(r.met, about.ID)
	r.raws = append(r.raws, rec.Raw)
	if !r.sc.chosen {
		r.metas = append(r.metas, m)
	}
	if r.sc.q.Ordered {
		r.numbers = append(r.numbers, float64(r.ordinal)*(1<<26)+float64(r.records))
		r.times = append(r.times, vector.String(event.Seconds(at)))
	}
	return nil
}

// inRange reports whether a time is in the search's range, at the precision of
// _time.
func (r *reader) inRange(ns int64) bool {
	q := r.sc.q
	if q.Earliest == store.Beginning && q.Latest == store.End {
		return true
	}
	if ns%1e9 != 0 {
		when := vector.String(event.Seconds(ns))
		f, _ := when.Num()
		ns = int64(math.Round(f*1e6)) * 1e3
	}
	return ns >= q.Earliest && (q.Latest == store.End || ns < q.Latest)
}

// flush tests the queued records and passes on the matching rows.
func (r *reader) flush() error {
	if err := r.meet(); err != nil {
		return err
	}
	if len(r.raws) == 0 {
		return nil
	}
	defer r.forget()
	b := &vector.Batch{Len: len(r.raws)}
	for i, name := range r.sc.tests {
		b.Cols = append(b.Cols, vector.NewColumn(name, r.cols[i]))
	}
	rows := r.matcher.Select(b)
	return r.deliver(r.unique(rows))
}

// meet records the events of the last records, and marks the rows that are
// copies.
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
		r.cols[i] = nil // delivered batches may still refer to it
	}
}

// unique drops the rows whose event was seen before.
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
	if !r.sc.chosen {
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

// batch builds the batch that is delivered.
func (r *reader) batch(rows []int32) (*vector.Batch, error) {
	var b *vector.Batch
	if !r.sc.chosen {
		if r.sc.q.Ordered {
			r.own(rows)
		}
		var err error
		if b, err = r.everyField(rows); err != nil {
			return nil, err
		}
	} else {
		b = &vector.Batch{Len: len(rows)}
		for _, name := range r.sc.wants {
			col := r.cols[slices.Index(r.sc.fields, name)]
			if len(rows) < len(col) {
				all := col
				col = make([]vector.Value, len(rows))
				for i, row := range rows {
					col[i] = all[row]
				}
			}
			if slices.ContainsFunc(col, func(v vector.Value) bool { return !v.IsNull() }) { // a field that no row has gets no column
				b.Cols = append(b.Cols, vector.NewColumn(name, col))
			}
		}
		if r.sc.q.Ordered { // rows kept for sorting must not keep the file in memory
			b = b.Own()
		}
	}
	if !r.sc.q.Ordered {
		return b, nil
	}
	seq, when := make([]vector.Value, len(rows)), make([]vector.Value, len(rows))
	for i, row := range rows {
		seq[i] = vector.Float(r.numbers[row])
		when[i] = r.times[row]
	}
	return b.With(vector.NewColumn(event.Time, when), vector.NewColumn(store.Seq, seq)), nil
}

// own copies the records of rows out of the file, since sorting keeps the rows.
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

// everyField builds rows with every field, or with those that match the
// patterns.
func (r *reader) everyField(rows []int32) (*vector.Batch, error) {
	b := vector.NewBuilder().Expect(len(rows))
	for _, row := range rows {
		b.Add()
		// The record was already read once; this fails only when the search
		// ends.
		if err := r.whole.Read(b, r.raws[row], &r.metas[row]); err != nil && r.ctx.Err() != nil {
			return nil, err
		}
	}
	return b.Batch(), nil
}
