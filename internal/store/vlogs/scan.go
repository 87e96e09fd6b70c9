package vlogs

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/spl"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// scan is a prepared query. It runs in two parts: the ordinary rows, answered
// from columns where the wanted fields have them, and the odd rows, which are
// few and are answered from the record.
type scan struct {
	s        *Store
	q        *store.Query
	push     pushed
	residual spl.Search
	wants    []string // fields to deliver; nil with all or patterns
	want     spl.FieldSet
	columns  []string // engine columns when no record has to be read
	workers  int
}

// Prepare implements store.Store.
func (s *Store) Prepare(q *store.Query) (store.Scan, error) {
	sc := &scan{s: s, q: q, push: push(q.Filter), want: q.Fields, workers: runtime.GOMAXPROCS(0)}
	if _, err := logstorage.ParseQuery(sc.ordinary()); err != nil {
		return nil, fmt.Errorf("cannot ask the store: %w", err)
	}
	if !sc.push.exact {
		sc.residual = q.Filter
		sc.want = sc.want.Add(spl.SearchFields(q.Filter)...)
	}
	if sc.want.All() || sc.want.HasPatterns() {
		return sc, nil
	}
	sc.wants = append([]string{}, sc.want.Names()...)
	sc.columns = []string{seqColumn}
	for _, f := range sc.wants {
		col, alias, ok := columnOf(f)
		switch {
		case f == event.Time:
			col = "_time"
		case f == event.IndexTime:
			col = batchColumn
		case !ok:
			sc.columns = nil
			return sc, nil
		case alias && !slices.Contains(sc.columns, event.Sourcetype):
			sc.columns = append(sc.columns, event.Sourcetype)
		}
		if !slices.Contains(sc.columns, col) {
			sc.columns = append(sc.columns, col)
		}
	}
	if q.Ordered && !slices.Contains(sc.columns, "_time") {
		sc.columns = append(sc.columns, "_time")
	}
	return sc, nil
}

func (sc *scan) Residual() spl.Search { return sc.residual }
func (sc *scan) Workers() int         { return sc.workers }

func (sc *scan) Explain() []string {
	lines := []string{"store: " + sc.ordinary()}
	if sc.columns != nil {
		lines = append(lines, "store: columns "+strings.Join(sc.columns, ", "))
	} else {
		lines = append(lines, "store: the records, read for their fields")
	}
	return append(lines, "store: events that columns cannot tell, from their records")
}

// ordinary is the filter for the rows that are not odd.
func (sc *scan) ordinary() string {
	f := "!" + oddColumn + ":*"
	if sc.push.filter != "" {
		f = sc.push.filter + " " + f
	}
	return f
}

// recordColumns are read where the record is.
var recordColumns = []string{"_time", rawColumn, event.Index, event.Sourcetype, event.Source, event.Host, batchColumn, seqColumn}

func (sc *scan) Run(ctx context.Context, emit func(int, *vector.Batch) error) error {
	if err := sc.odd(ctx, emit); err != nil {
		return err
	}
	cols := sc.columns
	if cols == nil {
		cols = recordColumns
	}
	if sc.q.Limit > 0 && sc.residual == nil {
		return sc.newestFirst(ctx, cols, emit)
	}
	return sc.run(ctx, sc.ordinary(), cols, sc.q.Earliest, sc.q.Latest, sc.ordinaryBlock(emit))
}

// newestFirst reads day by day backwards and stops when there is enough.
func (sc *scan) newestFirst(ctx context.Context, cols []string, emit func(int, *vector.Batch) error) error {
	days := sc.s.db.PartitionList()
	slices.Sort(days)
	slices.Reverse(days)
	var got atomic.Int64
	counting := func(w int, b *vector.Batch) error {
		got.Add(int64(b.Len))
		return emit(w, b)
	}
	for _, name := range days {
		day, err := time.Parse("20060102", name)
		if err != nil {
			continue
		}
		from, to := day.UnixNano(), day.Add(24*time.Hour).UnixNano()
		if from >= sc.q.Latest || to <= sc.q.Earliest {
			continue
		}
		if err := sc.run(ctx, sc.ordinary(), cols, max(from, sc.q.Earliest), min(to, sc.q.Latest), sc.ordinaryBlock(counting)); err != nil {
			return err
		}
		if got.Load() >= int64(sc.q.Limit) {
			return nil
		}
	}
	return nil
}

type blockFunc func(worker int, db *logstorage.DataBlock) error

// run asks the engine and hands its blocks on.
func (sc *scan) run(ctx context.Context, filter string, cols []string, earliest, latest int64, block blockFunc) error {
	if latest != store.End {
		latest-- // the engine's range is inclusive
	}
	if earliest > latest {
		return nil
	}
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = strconv.Quote(c)
	}
	q, err := logstorage.ParseQuery(fmt.Sprintf("options(concurrency=%d) %s | fields %s", sc.workers, filter, strings.Join(names, ", ")))
	if err != nil {
		return fmt.Errorf("cannot ask the store: %w", err)
	}
	if earliest != store.Beginning || latest != store.End {
		q.AddTimeFilter(max(earliest, 0), latest)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var locks = make([]sync.Mutex, sc.workers)
	qctx := logstorage.NewQueryContext(ctx, &logstorage.QueryStats{}, []logstorage.TenantID{{}}, q, false, nil)
	err = sc.s.db.RunQuery(qctx, func(worker uint, db *logstorage.DataBlock) {
		if ctx.Err() != nil {
			return
		}
		n := int(worker) % sc.workers
		locks[n].Lock()
		defer locks[n].Unlock()
		if err := block(n, db); err != nil {
			cancel(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// ordinaryBlock turns blocks of ordinary rows into batches.
func (sc *scan) ordinaryBlock(emit func(int, *vector.Batch) error) blockFunc {
	if sc.columns != nil {
		return func(w int, db *logstorage.DataBlock) error { return emit(w, sc.fromColumns(db)) }
	}
	return sc.recordBlock(emit, false)
}

func (sc *scan) fromColumns(db *logstorage.DataBlock) *vector.Batch {
	b := &vector.Batch{Len: db.RowsCount()}
	isTrail := db.GetColumnByName(event.Sourcetype)
	for _, f := range sc.wants {
		switch f {
		case event.Time:
			b.Cols = append(b.Cols, timeColumn(db))
			continue
		case event.IndexTime:
			b.Cols = append(b.Cols, batchTimes(db))
			continue
		}
		name, alias, _ := columnOf(f)
		c := db.GetColumnByName(name)
		if c == nil {
			continue
		}
		col := column(f, c.Values)
		if alias && isTrail != nil {
			col = onlyTrail(col, isTrail.Values)
		}
		b.Cols = append(b.Cols, col)
	}
	if sc.q.Ordered {
		if b.Col(event.Time) == nil {
			b.Cols = append(b.Cols, timeColumn(db))
		}
		b.Cols = append(b.Cols, seqValues(db))
	}
	return b
}

// onlyTrail takes an alias away from events that are not CloudTrail's.
func onlyTrail(col *vector.Column, sourcetypes []string) *vector.Column {
	vals := make([]vector.Value, len(sourcetypes))
	same := true
	for i, st := range sourcetypes {
		if st == event.CloudTrail {
			vals[i] = col.At(i)
		} else {
			same = false
		}
	}
	if same {
		return col
	}
	return vector.NewColumn(col.Name, vals)
}

func timeColumn(db *logstorage.DataBlock) *vector.Column {
	times, _ := db.GetTimestamps(nil)
	vals := make([]vector.Value, len(times))
	for i, ns := range times {
		vals[i] = timeValue(ns)
	}
	return vector.NewColumn(event.Time, vals)
}

// timeValue is a time as _time holds it.
func timeValue(ns int64) vector.Value {
	if ns%1e9 == 0 {
		return vector.Float(float64(ns / 1e9))
	}
	return vector.Formatted(float64(ns)/1e9, event.Seconds(ns))
}

func seqValues(db *logstorage.DataBlock) *vector.Column {
	return numbers(store.Seq, db.GetColumnByName(seqColumn), 1)
}

func batchTimes(db *logstorage.DataBlock) *vector.Column {
	return numbers(event.IndexTime, db.GetColumnByName(batchColumn), 1000)
}

func numbers(name string, c *logstorage.BlockColumn, per float64) *vector.Column {
	if c == nil {
		return vector.Constant(name, vector.Value{})
	}
	vals := make([]vector.Value, len(c.Values))
	for i, s := range c.Values {
		if f, ok := vector.ParseNumber(s); ok {
			vals[i] = vector.Float(f / per)
		}
	}
	return vector.NewColumn(name, vals)
}

// column copies values out of a block, whose strings die with it. Columns of
// few values are told by their strings being the same ones.
func column(name string, values []string) *vector.Column {
	if dict, codes, ok := coded(values); ok {
		if len(dict) == 1 {
			return vector.Constant(name, dict[0])
		}
		return vector.Coded(name, dict, codes)
	}
	size := 0
	for _, s := range values {
		size += len(s)
	}
	arena := make([]byte, 0, size)
	for _, s := range values {
		arena = append(arena, s...)
	}
	text := string(arena)
	vals := make([]vector.Value, len(values))
	at := 0
	for i, s := range values {
		if s != "" {
			vals[i] = vector.String(text[at : at+len(s)])
			at += len(s)
		}
	}
	return vector.NewColumn(name, vals)
}

// maxDict is how many different values a column may have to be coded.
const maxDict = 64

func coded(values []string) (dict []vector.Value, codes []int32, ok bool) {
	index := make(map[string]int32, 8)
	codes = make([]int32, len(values))
	last, lastCode := "", int32(-1)
	for i, s := range values {
		if lastCode >= 0 && s == last {
			codes[i] = lastCode
			continue
		}
		code, seen := index[s]
		if !seen {
			if len(dict) == maxDict || i > 256 && len(dict)*4 > i {
				return nil, nil, false
			}
			code = int32(len(dict))
			own := strings.Clone(s)
			index[own] = code
			v := vector.Value{}
			if s != "" {
				v = vector.String(own)
			}
			dict = append(dict, v)
		}
		codes[i], last, lastCode = code, s, code
	}
	return dict, codes, len(dict) > 0
}

// odd answers the rows that columns do not tell in full.
func (sc *scan) odd(ctx context.Context, emit func(int, *vector.Batch) error) error {
	cols := slices.Concat(recordColumns, []string{trueTime, bigColumn})
	block := sc.recordBlock(emit, true)
	// Those with a time of their own lie at the first time the store can hold.
	ordinary := fmt.Sprintf("%s:=1 !%s:*", oddColumn, trueTime)
	if err := sc.run(ctx, ordinary, cols, sc.q.Earliest, sc.q.Latest, block); err != nil {
		return err
	}
	return sc.run(ctx, trueTime+":*", cols, store.Beginning, store.End, block)
}

// recordBlock turns blocks with records into batches by reading the records.
// Odd ones are tested against the whole search, since nothing was pushed.
func (sc *scan) recordBlock(emit func(int, *vector.Batch) error, odd bool) blockFunc {
	readers := make([]*recordReader, sc.workers)
	return func(w int, db *logstorage.DataBlock) error {
		if readers[w] == nil {
			r, err := newRecordReader(sc, odd)
			if err != nil {
				return err
			}
			readers[w] = r
		}
		return readers[w].block(db, func(b *vector.Batch) error { return emit(w, b) })
	}
}

// recordReader reads records of blocks; it is for one goroutine at a time.
type recordReader struct {
	sc      *scan
	odd     bool
	want    spl.FieldSet
	names   []string
	x       *event.Extractor
	row     *event.Row
	matcher *spl.Matcher
}

func newRecordReader(sc *scan, odd bool) (*recordReader, error) {
	r := &recordReader{sc: sc, odd: odd, want: sc.want}
	if odd {
		var err error
		if r.matcher, err = spl.NewMatcher(sc.q.Filter, sc.q.Now); err != nil {
			return nil, err
		}
		r.want = r.want.Add(spl.SearchFields(sc.q.Filter)...)
	}
	if !r.want.All() && !r.want.HasPatterns() {
		r.names = r.want.Names()
		r.x = event.NewExtractor(r.names)
		r.row = r.x.NewRow()
	}
	return r, nil
}

// recordRows is how many records make a batch.
const recordRows = 256

func (r *recordReader) block(db *logstorage.DataBlock, emit func(*vector.Batch) error) error {
	times, ok := db.GetTimestamps(nil)
	if !ok {
		return errors.New("the store gave rows without a time")
	}
	val := func(name string) func(i int) string {
		c := db.GetColumnByName(name)
		return func(i int) string {
			if c == nil {
				return ""
			}
			return c.Values[i]
		}
	}
	raws, index, sourcetype, source, host := val(rawColumn), val(event.Index), val(event.Sourcetype), val(event.Source), val(event.Host)
	batch, seq, when, big := val(batchColumn), val(seqColumn), val(trueTime), val(bigColumn)
	b := vector.NewBuilder()
	flush := func() error {
		rows := b.Batch()
		b = vector.NewBuilder()
		if r.matcher != nil && rows.Len > 0 {
			rows = r.matcher.Filter(rows)
		}
		if rows.Len == 0 {
			return nil
		}
		return emit(rows)
	}
	var m event.Meta
	for i, ns := range times {
		raw := []byte(raws(i))
		if r.odd {
			var err error
			if t := when(i); t != "" {
				if ns, err = strconv.ParseInt(t, 10, 64); err != nil {
					return fmt.Errorf("the store holds a broken time %q", t)
				}
				if ns < r.sc.q.Earliest || r.sc.q.Latest != store.End && ns >= r.sc.q.Latest {
					continue
				}
			}
			if name := big(i); name != "" {
				if raw, err = r.sc.s.readBig(name); err != nil {
					return fmt.Errorf("cannot read a large record: %w", err)
				}
			}
		}
		m = event.Meta{Index: strings.Clone(index(i)), Sourcetype: strings.Clone(sourcetype(i)), Source: strings.Clone(source(i)), Host: strings.Clone(host(i)), Fallback: ns}
		if ms, ok := vector.ParseNumber(batch(i)); ok {
			m.IndexTime = ms / 1000
		}
		b.Add()
		if err := r.fields(b, raw, &m); err != nil {
			return err
		}
		if r.sc.q.Ordered {
			b.Set(event.Time, timeValue(ns))
			n, _ := vector.ParseNumber(seq(i))
			b.Set(store.Seq, vector.Float(n))
		}
		if b.Len() == recordRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

func (r *recordReader) fields(b *vector.Builder, raw []byte, m *event.Meta) error {
	if r.x == nil {
		return event.Flatten(raw, m, func(name string, c event.Cell) {
			if r.want.Has(name) {
				b.Set(name, store.Value(&c))
			}
		})
	}
	if err := r.x.Extract(raw, m, r.row); err != nil {
		return err
	}
	for i, name := range r.names {
		if c := r.row.Cell(i); c.Set {
			b.Set(name, store.Value(c))
		}
	}
	return nil
}
