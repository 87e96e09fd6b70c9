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
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// alikeColumn is how many rows the engine found alike.
const alikeColumn = "_alike"

// canCondense reports whether the engine may count the ordinary rows that are
// alike: it must know all of what is asked, and hold all that is wanted.
func (sc *scan) canCondense() bool {
	return sc.q.Alike && !sc.q.Ordered && sc.check == nil && sc.columns != nil &&
		!slices.Contains(sc.columns, batchColumn) &&
		(sc.q.Step > 0 || !slices.Contains(sc.columns, timeName))
}

// condensePipe is the pipe that counts.
func (sc *scan) condensePipe() string {
	by := make([]string, len(sc.columns))
	for i, c := range sc.columns {
		by[i] = strconv.Quote(c)
		if c == timeName {
			by[i] = fmt.Sprintf("%s:%ds", timeName, int(sc.q.Step/time.Second))
		}
	}
	return "stats by (" + strings.Join(by, ", ") + ") count() " + alikeColumn
}

// condensed delivers ordinary rows, those that are alike as one. It is not done
// when the engine would need more memory than it has for that; nothing has been
// delivered then.
func (sc *scan) condensed(ctx context.Context, p part, emit func(int, *vector.Batch) error) (done bool, err error) {
	r := &columnReader{fields: sc.q.Fields.Names()}
	var some atomic.Bool
	err = sc.ask(ctx, p, sc.condensePipe(), func(w int, db *logstorage.DataBlock) error {
		some.Store(true)
		b := &vector.Batch{Len: db.RowsCount()}
		for _, f := range r.fields {
			if f == event.Time {
				col, err := steps(db.GetColumnByName(timeName))
				if err != nil {
					return err
				}
				b.Cols = append(b.Cols, col)
				continue
			}
			r.add(b, db, f)
		}
		b.Cols = append(b.Cols, numbers(spl.Alike, db.GetColumnByName(alikeColumn), 1))
		return emit(w, b)
	})
	return err == nil || some.Load() || ctx.Err() != nil, err
}

// steps reads times that the engine rounded.
func steps(c *logstorage.BlockColumn) (*vector.Column, error) {
	if c == nil {
		return vector.Constant(event.Time, vector.Value{}), nil
	}
	vals := make([]vector.Value, len(c.Values))
	for i, s := range c.Values {
		if i > 0 && s == c.Values[i-1] {
			vals[i] = vals[i-1]
			continue
		}
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, fmt.Errorf("cannot read time %q of the store: %w", s, err)
		}
		vals[i] = timeValue(t.UnixNano())
	}
	return vector.NewColumn(event.Time, vals), nil
}
