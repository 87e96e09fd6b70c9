package op

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// maxOrdered is how many columns a columnOrder remembers.
const maxOrdered = 10000

// ColumnOrder remembers in which order columns came, so that what puts rows in
// another order leaves the columns as they were: appended rows that come first
// then do not bring their columns to the front.
type ColumnOrder struct{ place map[string]int }

// See notes the columns of b.
func (o *ColumnOrder) See(b *vector.Batch) {
	for _, c := range b.Cols {
		o.add(c.Name)
	}
}

func (o *ColumnOrder) add(name string) {
	if _, ok := o.place[name]; ok || len(o.place) >= maxOrdered {
		return
	}
	if o.place == nil {
		o.place = map[string]int{}
	}
	o.place[strings.Clone(name)] = len(o.place)
}

// Merge puts the columns of another behind these.
func (o *ColumnOrder) Merge(other *ColumnOrder) {
	names := make([]string, len(other.place))
	for name, i := range other.place {
		names[i] = name
	}
	for _, name := range names {
		o.add(name)
	}
}

// Arrange returns the batch with its columns in order, unknown ones last.
func (o *ColumnOrder) Arrange(b *vector.Batch) *vector.Batch {
	place := func(c *vector.Column) int {
		if i, ok := o.place[c.Name]; ok {
			return i
		}
		return maxOrdered
	}
	cols := slices.Clone(b.Cols)
	slices.SortStableFunc(cols, func(a, b *vector.Column) int { return cmp.Compare(place(a), place(b)) })
	return &vector.Batch{Len: b.Len, Cols: cols}
}

// Arranged gives batches with their columns in order.
type Arranged struct {
	In    exec.Operator
	Order *ColumnOrder
}

func (a *Arranged) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := a.In.Next(ctx)
	if err != nil {
		return nil, err
	}
	return a.Order.Arrange(b), nil
}

func (a *Arranged) Close() { a.In.Close() }
