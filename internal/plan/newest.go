package plan

import (
	"cmp"
	"context"
	"math"

	"bluetrail/internal/event"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// newest sorts events into search order: newest first, and within the same
// second the last ingested first.
type newest struct{ rows *op.Sorted[when] }

// when is the sort key of events.
type when struct{ time, seq float64 }

func newNewest(env *exec.Env, limit int) *newest {
	return &newest{op.NewSorted(env, spill.Order[when]{Keys: whens, Compare: newerFirst}, limit, 16)}
}

// newerFirst is the order of events.
func newerFirst(a, b *when) int {
	return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(b.seq, a.seq))
}

// whens returns the sort keys of the rows of a batch. Rows without a time come
// last.
func whens(b *vector.Batch) []when {
	list := make([]when, b.Len)
	t, s := b.Col(event.Time), b.Col(store.Seq)
	for i := range list {
		list[i].time = math.Inf(-1)
		if t != nil {
			if f, ok := t.At(i).Num(); ok {
				list[i].time = f
			}
		}
		if s != nil {
			list[i].seq, _ = s.At(i).Num()
		}
	}
	return list
}

func (n *newest) Add(ctx context.Context, b *vector.Batch) error { return n.rows.Add(ctx, b) }

func (n *newest) Merge(ctx context.Context, other exec.Reducer) error {
	return n.rows.Merge(ctx, other.(*newest).rows)
}

func (n *newest) Results(ctx context.Context) (exec.Operator, error) {
	rows, err := n.rows.Results(ctx)
	if err != nil {
		return nil, err
	}
	return exec.Mapped(rows, unnumbered{}), nil
}

func (n *newest) Close() { n.rows.Close() }

// unnumbered removes the columns that only serve to order events.
type unnumbered struct{}

func (unnumbered) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	return b.Keep(func(name string) bool { return name != store.Seq }), nil
}
