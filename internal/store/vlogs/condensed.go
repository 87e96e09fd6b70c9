package vlogs

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// alikeColumn holds the number of rows that the engine found alike.
const alikeColumn = "_alike"

// maxCondensed is the largest number of columns for which the engine counts
// when fields are computed from them. The engine writes all of them for every
// row, while a columnReader looks only at those that differ within a block.
const maxCondensed = 6

// canCondense reports whether the engine may count alike ordinary rows. The
// engine must have columns for all wanted fields and for everything that the
// residual filter reads; the filter then runs once per group of alike rows.
func (sc *scan) canCondense() bool {
	return sc.q.Alike && !sc.q.Ordered && sc.reading != nil && (sc.reading.made == nil || len(sc.reading.columns) <= maxCondensed) && (sc.check == nil || repeats(filter.FieldsOf(sc.check))) &&
		!slices.Contains(sc.reading.columns, batchColumn) &&
		(!slices.Contains(sc.reading.columns, timeName) || sc.step() >= time.Minute)
}

// repeats reports whether rows are likely to be alike in some fields: none of
// the fields is computed from values that differ in every event.
func repeats(fields []string) bool {
	return !slices.ContainsFunc(fields, func(f string) bool {
		return f == event.Time || f == event.IndexTime || isDate(f) || f == "eventID" || f == "eventTime" || f == "start_time"
	})
}

// step returns the duration to which the engine may round row times down: the
// longest one that every use of the time is a multiple of. 0 means no rounding.
func (sc *scan) step() (step time.Duration) {
	for _, f := range sc.q.Fields.Names() {
		span, ok := event.DatePart(f)
		if f == event.Time {
			span, ok = sc.q.Step, true
		}
		switch {
		case ok && span == 0:
			return 0
		case ok:
			step = divisor(step, span)
		}
	}
	return step
}

// divisor returns the greatest common divisor of a and b. 0 counts as a
// multiple of every number.
func divisor(a, b time.Duration) time.Duration {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// condensePipe returns the pipe that counts alike rows.
func (sc *scan) condensePipe() string {
	by := make([]string, len(sc.reading.columns))
	for i, c := range sc.reading.columns {
		by[i] = strconv.Quote(c)
		if c == timeName {
			by[i] = fmt.Sprintf("%s:%ds", timeName, int(sc.step()/time.Second))
		}
	}
	return "stats by (" + strings.Join(by, ", ") + ") count() " + alikeColumn
}

// condensed delivers ordinary rows, with alike rows merged into one. It reports
// that it is not done, before delivering anything, when the engine would need
// more memory than it has.
func (sc *scan) condensed(ctx context.Context, p part, emit func(int, *vector.Batch) error) (done bool, err error) {
	readers := make([]*columnReader, sc.workers)
	for i := range readers {
		readers[i] = newColumnReader(sc.reading)
		if p.check != nil {
			if readers[i].matcher, err = filter.NewMatcher(p.check, sc.q.Now); err != nil {
				return false, err
			}
		}
	}
	var some atomic.Bool
	err = sc.ask(ctx, p, sc.condensePipe(), func(w int, db *logstorage.DataBlock) error {
		some.Store(true)
		times, err := steps(db.GetColumnByName(timeName))
		if err != nil {
			return err
		}
		b := readers[w].rows(db, times)
		b.Cols = append(b.Cols, numbers(vector.Alike, db.GetColumnByName(alikeColumn), 1))
		if readers[w].matcher != nil {
			if b = readers[w].matcher.Filter(b); b.Len == 0 {
				return nil
			}
		}
		return emit(w, b)
	})
	return err == nil || some.Load() || ctx.Err() != nil, err
}

// steps parses the times that the engine rounded, in unix nanoseconds. It
// returns none if the engine was not asked for times.
func steps(c *logstorage.BlockColumn) ([]int64, error) {
	if c == nil {
		return nil, nil
	}
	times := make([]int64, len(c.Values))
	for i, s := range c.Values {
		if i > 0 && s == c.Values[i-1] {
			times[i] = times[i-1]
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, fmt.Errorf("cannot read time %q of the store: %w", s, err)
		}
		times[i] = t.UnixNano()
	}
	return times, nil
}
