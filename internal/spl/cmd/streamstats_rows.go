package cmd

import (
	"context"
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// Open implements exec.Serial.
func (c *Streamstats) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	g, err := c.stats.grouper(env)
	if err != nil {
		return nil, err
	}
	s := &streamstats{c: c, env: env, in: in, g: g, windows: map[*op.Group][]windowRow{}}
	if c.Before != nil {
		if s.before, err = expr.CompileTest(c.Before, env); err != nil {
			return nil, err
		}
	}
	if c.After != nil {
		if s.after, err = expr.CompileTest(c.After, env); err != nil {
			return nil, err
		}
	}
	return s, nil
}

type streamstats struct {
	c             *Streamstats
	env           *exec.Env
	in            exec.Operator
	g             *op.Grouper
	before, after *expr.Program
	windows       map[*op.Group][]windowRow // by group; under nil if all groups share one
	kept, swept   int                       // number of rows in windows, now and after the last sweep
	lastKeys      []vector.Value
}

// windowRow is a row that may still be inside the window.
type windowRow struct {
	group *op.Group
	vals  []vector.Value // by slot
	time  float64
}

func (s *streamstats) Close() {
	s.in.Close()
	s.g.Release()
	s.windows = nil
}

// reset clears all state.
func (s *streamstats) reset() {
	s.g.Clear()
	clear(s.windows)
	s.kept, s.swept = 0, 0
}

func (s *streamstats) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := s.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	s.g.Expand(b)
	shown := s.g.SlotOrder()
	vals := make([][]vector.Value, len(shown))
	names := s.g.Columns(shown)[len(s.c.stats.By):]
	for i := range names {
		vals[i] = make([]vector.Value, b.Len)
	}
	for i := range b.Len {
		s.env.Poll()
		if err := s.row(b, i, shown, vals); err != nil {
			return nil, err
		}
	}
	out := make([]*vector.Column, len(vals))
	for i, name := range names {
		out[i] = vector.NewColumn(name, vals[i])
	}
	return b.With(out...), nil
}

// row computes the values shown for row i into vals.
func (s *streamstats) row(b *vector.Batch, i int, shown []int, vals [][]vector.Value) error {
	keys := make([]vector.Value, len(s.c.stats.By))
	for n, name := range s.c.stats.By {
		if keys[n] = b.At(name, i); keys[n].IsNull() {
			return nil
		}
	}
	changed := s.c.ResetOnChange && s.lastKeys != nil && !sameKeys(keys, s.lastKeys)
	if changed || s.before != nil && s.before.Value(b, i).True() {
		s.reset()
	}
	s.lastKeys = keys
	grp, err := s.g.GroupOf(keys)
	if err != nil {
		return err
	}
	r := windowRow{grp, s.g.RowValues(b, i), timeOf(b, i)}
	var result []vector.Value
	if s.c.Window == 0 && s.c.TimeWindow == 0 {
		result, err = s.running(r, shown)
	} else {
		result, err = s.windowed(r, shown)
	}
	if err != nil {
		return err
	}
	for n, v := range result {
		vals[n][i] = v
	}
	if s.after != nil && s.after.Value(b, i).True() {
		s.reset()
	}
	return nil
}

// running aggregates the row with all rows before it.
func (s *streamstats) running(r windowRow, shown []int) ([]vector.Value, error) {
	if s.c.Current {
		if err := s.g.Take(r.group, r.vals, r.time); err != nil {
			return nil, err
		}
		return s.g.Results(r.group, shown), nil
	}
	result := s.g.Results(r.group, shown)
	return result, s.g.Take(r.group, r.vals, r.time)
}

// windowed recomputes the aggregates of the rows in the window.
func (s *streamstats) windowed(r windowRow, shown []int) ([]vector.Value, error) {
	var key *op.Group
	if !s.c.Global || s.c.Window == 0 { // a pure time window is the same for all groups
		key = r.group
	}
	if err := s.g.Held.Add(r.size()); err != nil {
		return nil, err
	}
	rows, err := s.slide(append(s.windows[key], r), r.time)
	if err != nil {
		return nil, err
	}
	s.windows[key] = rows
	if s.kept++; s.c.TimeWindow > 0 && s.kept > 2*s.swept+4096 {
		if err := s.sweep(r); err != nil {
			return nil, err
		}
	}
	if !s.c.Current {
		rows = rows[:len(rows)-1]
	}
	scratch := &op.Group{}
	held := s.g.Held.Size()
	for _, w := range rows {
		if w.group != r.group || s.c.TimeWindow > 0 && math.Abs(r.time-w.time) >= s.c.TimeWindow {
			continue
		}
		if err := s.g.Take(scratch, w.vals, w.time); err != nil {
			return nil, err
		}
	}
	result := s.g.Results(scratch, shown)
	return result, s.g.Held.Set(held)
}

// sweep removes the rows of groups whose last row is outside the time window.
func (s *streamstats) sweep(r windowRow) error {
	s.swept = 0
	for key, rows := range s.windows {
		last := rows[len(rows)-1]
		if key != r.group && math.Abs(r.time-last.time) >= s.c.TimeWindow {
			if err := s.drop(rows); err != nil {
				return err
			}
			delete(s.windows, key)
			continue
		}
		s.swept += len(rows)
	}
	return nil
}

// drop releases the memory of rows.
func (s *streamstats) drop(rows []windowRow) error {
	size := 0
	for i := range rows {
		s.env.Poll()
		size += rows[i].size()
	}
	s.kept -= len(rows)
	return s.g.Held.Add(-size)
}

// size returns the approximate size of a row in bytes.
func (r *windowRow) size() int {
	n := 64
	for _, v := range r.vals {
		n += v.Size()
	}
	return n
}

// slide removes the rows that left the window.
func (s *streamstats) slide(rows []windowRow, now float64) ([]windowRow, error) {
	most := maxWindow
	if s.c.Window > 0 {
		most = s.c.Window
	}
	if !s.c.Current {
		most++ // the current row is in the window but does not count
	}
	first := max(0, len(rows)-most)
	if s.c.Window == 0 && first > 0 && math.Abs(now-rows[0].time) < s.c.TimeWindow {
		s.env.Warn("streamstats: a time_window holds at most %d rows; older rows are ignored", maxWindow)
	}
	for s.c.TimeWindow > 0 && first < len(rows)-1 && math.Abs(now-rows[first].time) >= s.c.TimeWindow {
		first++
	}
	return rows[first:], s.drop(rows[:first])
}

func timeOf(b *vector.Batch, i int) float64 {
	if f, ok := b.At("_time", i).Num(); ok {
		return f
	}
	return op.NaN
}
