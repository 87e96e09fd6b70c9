package cmd

import (
	"context"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// NewReducer implements exec.Transforming.
func (c *Sort) NewReducer(env *exec.Env) (exec.Reducer, error) {
	limit := c.Limit
	if c.Limit < 0 {
		limit = env.Limits.SortRows
	}
	order := spill.Order[[]vector.Value]{Keys: c.keys, Compare: func(a, b *[]vector.Value) int { return c.compare(*a, *b) }}
	return &sorter{c: c, env: env, rows: op.NewSorted(env, order, limit, 48*len(c.Keys))}, nil
}

// sorter is the reducer of sort.
type sorter struct {
	c     *Sort
	env   *exec.Env
	rows  *op.Sorted[[]vector.Value]
	order op.ColumnOrder
}

// Add implements exec.Reducer.
func (s *sorter) Add(ctx context.Context, b *vector.Batch) error {
	s.order.See(b)
	return s.rows.Add(ctx, b)
}

// Merge implements exec.Reducer.
func (s *sorter) Merge(ctx context.Context, other exec.Reducer) error {
	o := other.(*sorter)
	s.order.Merge(&o.order)
	return s.rows.Merge(ctx, o.rows)
}

// Results implements exec.Reducer.
func (s *sorter) Results(ctx context.Context) (exec.Operator, error) {
	if kept := s.env.Limits.SortRows; s.c.Limit < 0 && s.rows.Seen() > kept {
		s.env.Warn("sort kept the first %d of %d rows; write sort 0 for all", kept, s.rows.Seen())
	}
	rows, err := s.rows.Results(ctx)
	if err != nil {
		return nil, err
	}
	return &op.Arranged{In: rows, Order: &s.order}, nil
}

// Close implements exec.Reducer.
func (s *sorter) Close() { s.rows.Close() }

// keys returns the sort keys of the rows of a batch.
func (c *Sort) keys(b *vector.Batch) [][]vector.Value {
	n := len(c.Keys)
	all := make([]vector.Value, n*b.Len)
	list := make([][]vector.Value, b.Len)
	for i := range list {
		list[i] = all[i*n : (i+1)*n : (i+1)*n]
	}
	for k, key := range c.Keys {
		col := b.Col(key.Field)
		if col == nil {
			continue
		}
		for i := range list {
			if list[i][k] = col.At(i); list[i][k].Kind() == vector.List {
				list[i][k] = vector.String(list[i][k].At(0))
			}
		}
	}
	return list
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
