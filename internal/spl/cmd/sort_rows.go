package cmd

import (
	"cmp"
	"context"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// NewReducer implements spl.Transforming.
func (c *Sort) NewReducer(env *spl.Env) (spl.Reducer, error) {
	s := &sorter{c: c, env: env, limit: c.Limit}
	s.runs = spill.Runs[[]vector.Value]{Space: env.Disk, Order: spill.Order[[]vector.Value]{Keys: c.keys, Compare: func(a, b *[]vector.Value) int { return c.compare(*a, *b) }}}
	if c.Limit < 0 {
		s.limit = env.Limits.SortRows
	}
	return s, nil
}

// sorter holds the rows and an index over them; with a limit it drops what can
// no longer be among the first.
type sorter struct {
	c     *Sort
	env   *spl.Env
	limit int
	rows  []sortRow
	seen  int
	held  int
	base  int            // held after the last shrink
	worst *sortRow       // of limit rows that are at hand: what does not come before it is left out
	spare []vector.Value // keys of a row that was left out
	runs  spill.Runs[[]vector.Value]
	order columnOrder
}

type sortRow struct {
	keys  []vector.Value
	batch *vector.Batch
	row   int32
	seq   int
}

func (s *sorter) Add(ctx context.Context, b *vector.Batch) error {
	s.order.see(b)
	cols := s.c.columns(b)
	before := len(s.rows)
	for i := range b.Len {
		keys := s.spare
		if s.spare = nil; keys == nil {
			keys = make([]vector.Value, len(cols))
		}
		sortKeys(cols, i, keys)
		row := sortRow{keys, b, int32(i), s.seen}
		s.seen++
		if s.worst != nil && s.c.compare(row.keys, s.worst.keys) >= 0 {
			s.spare = keys
			continue
		}
		s.rows = append(s.rows, row)
	}
	added := len(s.rows) - before
	if added == 0 {
		return nil
	}
	if err := s.hold(b.Size() + added*(64+48*len(cols))); err != nil {
		return err
	}
	if s.limit > 0 && (len(s.rows) > 4*s.limit+vector.DefaultRows || int64(s.held) > max(s.env.Limits.Memory/8, 2*int64(s.base))) {
		if err := s.shrink(ctx); err != nil {
			return err
		}
	}
	if s.env.Tight(s.held) {
		return s.spill(ctx)
	}
	return nil
}

// columns returns the columns of the keys, nil for those that are missing.
func (c *Sort) columns(b *vector.Batch) []*vector.Column {
	cols := make([]*vector.Column, len(c.Keys))
	for i, k := range c.Keys {
		cols[i] = b.Col(k.Field)
	}
	return cols
}

// sortKeys sets keys to what row i is ordered by.
func sortKeys(cols []*vector.Column, i int, keys []vector.Value) {
	for n, c := range cols {
		if keys[n] = (vector.Value{}); c == nil {
			continue
		}
		if keys[n] = c.At(i); keys[n].Kind() == vector.List {
			keys[n] = vector.String(keys[n].At(0))
		}
	}
}

// keys returns what the rows of a batch are ordered by.
func (c *Sort) keys(b *vector.Batch) [][]vector.Value {
	cols := c.columns(b)
	list := make([][]vector.Value, b.Len)
	for i := range list {
		list[i] = make([]vector.Value, len(cols))
		sortKeys(cols, i, list[i])
	}
	return list
}

// spill puts the rows at hand on disk, with a limit no more than that.
func (s *sorter) spill(ctx context.Context) error {
	if err := s.sort(ctx); err != nil {
		return err
	}
	if s.limit > 0 {
		s.rows = s.rows[:min(len(s.rows), s.limit)]
	}
	pulse := spl.NewPulse(ctx)
	err := s.runs.Add(ctx, func(f *spill.File) error {
		for _, r := range s.rows {
			if err := cmp.Or(pulse.Err(), f.Add(r.batch, int(r.row))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return s.env.OnDisk(err)
	}
	s.rows, s.worst, s.base = nil, nil, 0
	return s.hold(-s.held)
}

func (s *sorter) hold(n int) error {
	s.held += n
	return s.env.Memory.Take(n)
}

// shrink keeps the first rows only, copied so that the rest can go.
func (s *sorter) shrink(ctx context.Context) error {
	if err := s.sort(ctx); err != nil {
		return err
	}
	s.rows = s.rows[:min(len(s.rows), s.limit)]
	b := vector.NewBuilder()
	for _, r := range s.rows {
		b.AddRow(r.batch, int(r.row))
	}
	kept := b.Batch()
	for i := range s.rows {
		s.rows[i].batch, s.rows[i].row = kept, int32(i)
	}
	if len(s.rows) == s.limit {
		worst := s.rows[s.limit-1]
		s.worst = &worst
	}
	s.base = kept.Size() + len(s.rows)*(64+48*len(s.c.Keys))
	return s.hold(s.base - s.held)
}

func (s *sorter) sort(ctx context.Context) error {
	return spl.SortFunc(ctx, s.rows, func(a, b sortRow) int {
		if c := s.c.compare(a.keys, b.keys); c != 0 {
			return c
		}
		return a.seq - b.seq
	})
}

func (c *Sort) compare(a, b []vector.Value) int {
	for n, k := range c.Keys {
		x, y := a[n], b[n]
		switch {
		case x.IsNull() && y.IsNull():
			continue
		case x.IsNull():
			return 1
		case y.IsNull():
			return -1
		}
		if order := comparers[k.As](x, y); order != 0 {
			if k.Desc != c.Reverse {
				return -order
			}
			return order
		}
	}
	return 0
}

// Merge implements spl.Reducer.
func (s *sorter) Merge(other spl.Reducer) error {
	o := other.(*sorter)
	for _, r := range o.rows {
		r.seq += s.seen
		s.rows = append(s.rows, r)
	}
	s.seen += o.seen
	s.held += o.held
	s.runs.Take(&o.runs)
	s.order.merge(&o.order)
	return nil
}

func (s *sorter) Results(ctx context.Context) (spl.Operator, error) {
	if err := s.sort(ctx); err != nil {
		return nil, err
	}
	if s.limit > 0 && len(s.rows) > s.limit {
		s.rows = s.rows[:s.limit]
	}
	if s.c.Limit < 0 && s.seen > s.limit {
		s.env.Warn("sort kept the first %d of %d rows; write sort 0 for all", s.limit, s.seen)
	}
	var out []*vector.Batch
	for from := 0; from < len(s.rows); from += vector.DefaultRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b := vector.NewBuilder()
		for _, r := range s.rows[from:min(from+vector.DefaultRows, len(s.rows))] {
			b.AddRow(r.batch, int(r.row))
		}
		out = append(out, b.Batch())
	}
	s.rows = nil
	s.env.Memory.Take(-s.held)
	if s.runs.Len() == 0 {
		return &arranged{spl.Rows(out...), &s.order}, nil
	}
	s.runs.Hold(out)
	merged, err := s.runs.Merge(ctx)
	if err != nil {
		return nil, s.env.OnDisk(err)
	}
	if s.limit > 0 {
		return &arranged{&firstRows{in: merged, left: s.limit}, &s.order}, nil
	}
	return &arranged{merged, &s.order}, nil
}

// Close implements spl.Closing.
func (s *sorter) Close() { s.runs.Close() }
