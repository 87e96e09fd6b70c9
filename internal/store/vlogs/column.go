package vlogs

import (
	"context"
	"math"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/spl"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// fromColumns delivers ordinary rows without looking at their records.
func (sc *scan) fromColumns(ctx context.Context, p part, emit func(int, *vector.Batch) error) error {
	readers := make([]*columnReader, sc.workers)
	for i := range readers {
		r := &columnReader{ordered: sc.q.Ordered, fields: sc.q.Fields.Names()}
		if p.check != nil {
			var err error
			if r.matcher, err = spl.NewMatcher(p.check, sc.q.Now); err != nil {
				return err
			}
			r.checked = spl.SearchFields(p.check)
		}
		readers[i] = r
	}
	return sc.ask(ctx, p, fieldsPipe(sc.columns), func(w int, db *logstorage.DataBlock) error {
		if b := readers[w].batch(db); b.Len > 0 {
			return emit(w, b)
		}
		return nil
	})
}

// columnReader makes batches of blocks for one worker.
type columnReader struct {
	fields  []string
	checked []string // fields that matcher reads
	matcher *spl.Matcher
	ordered bool
	times   []int64
}

func (r *columnReader) batch(db *logstorage.DataBlock) *vector.Batch {
	b := &vector.Batch{Len: db.RowsCount()}
	for _, f := range r.fields {
		r.add(b, db, f)
	}
	for _, f := range r.checked {
		r.add(b, db, f)
	}
	if r.ordered {
		r.add(b, db, event.Time)
		b.Cols = append(b.Cols, numbers(store.Seq, db.GetColumnByName(seqColumn), 1))
	}
	if r.matcher != nil {
		b = r.matcher.Filter(b)
	}
	return b
}

// add adds the column of a field, unless it is there already.
func (r *columnReader) add(b *vector.Batch, db *logstorage.DataBlock, field string) {
	if b.Col(field) != nil {
		return
	}
	switch {
	case field == event.Time:
		r.times, _ = db.GetTimestamps(r.times[:0])
		b.Cols = append(b.Cols, timeColumn(r.times))
		return
	case isDate(field):
		r.times, _ = db.GetTimestamps(r.times[:0])
		b.Cols = append(b.Cols, dates(field, r.times))
		return
	case field == event.IndexTime:
		b.Cols = append(b.Cols, numbers(field, db.GetColumnByName(batchColumn), 1000))
		return
	}
	name, alias, _ := columnOf(field)
	c := db.GetColumnByName(name)
	if c == nil {
		return
	}
	col := column(field, c.Values)
	if alias {
		if st := db.GetColumnByName(event.Sourcetype); st != nil {
			col = onlyTrail(col, st.Values)
		}
	}
	b.Cols = append(b.Cols, col)
}

// onlyTrail takes an alias away from events that are not CloudTrail's.
func onlyTrail(col *vector.Column, sourcetypes []string) *vector.Column {
	same := true
	for _, st := range sourcetypes {
		same = same && st == event.CloudTrail
	}
	if same {
		return col
	}
	vals := make([]vector.Value, len(sourcetypes))
	for i, st := range sourcetypes {
		if st == event.CloudTrail {
			vals[i] = col.At(i)
		}
	}
	return vector.NewColumn(col.Name, vals)
}

// timeColumn makes _time of times.
func timeColumn(times []int64) *vector.Column {
	vals := make([]vector.Value, len(times))
	for i, ns := range times {
		if i > 0 && ns == times[i-1] {
			vals[i] = vals[i-1]
			continue
		}
		vals[i] = timeValue(ns)
	}
	return vector.NewColumn(event.Time, vals)
}

// dates makes a field of the date of times.
func dates(field string, times []int64) *vector.Column {
	span, _ := event.DatePart(field)
	known := map[int64]int32{} // code of the span that a time lies in
	var dict []vector.Value
	codes := make([]int32, len(times))
	at, code := int64(math.MinInt64), int32(0)
	for i, ns := range times {
		if this := ns / int64(span); this != at {
			at = this
			var seen bool
			if code, seen = known[at]; !seen {
				code = int32(len(dict))
				known[at] = code
				dict = append(dict, vector.String(event.DateAt(field, ns)))
			}
		}
		codes[i] = code
	}
	return vector.Coded(field, dict, codes)
}

// timeValue is a time as _time holds it.
func timeValue(ns int64) vector.Value {
	if ns%int64(time.Second) == 0 {
		return vector.Float(float64(ns / int64(time.Second)))
	}
	return vector.Formatted(float64(ns)/float64(time.Second), event.Seconds(ns))
}

// numbers reads a column of numbers in the given part of their unit.
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

// column copies the values of a field out of a block, whose strings die with
// it. An empty one is missing.
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
	var arena strings.Builder
	arena.Grow(size)
	for _, s := range values {
		arena.WriteString(s)
	}
	text := arena.String()
	vals := make([]vector.Value, len(values))
	for i, s := range values {
		if s != "" {
			vals[i] = vector.String(text[:len(s)])
			text = text[len(s):]
		}
	}
	return vector.NewColumn(name, vals)
}

// maxDict is how many different values a column may have to be coded.
const maxDict = 1 << 14

func coded(values []string) (dict []vector.Value, codes []int32, ok bool) {
	index := make(map[string]int32, 8)
	codes = make([]int32, len(values))
	last, code := "", int32(-1)
	for i, s := range values {
		if code >= 0 && s == last {
			codes[i] = code
			continue
		}
		var seen bool
		if code, seen = index[s]; !seen {
			if len(dict) == maxDict || i > 256 && len(dict)*4 > i {
				return nil, nil, false
			}
			code = int32(len(dict))
			own := strings.Clone(s)
			index[own] = code
			var v vector.Value
			if s != "" {
				v = vector.String(own)
			}
			dict = append(dict, v)
		}
		codes[i], last = code, s
	}
	return dict, codes, len(dict) > 0
}
