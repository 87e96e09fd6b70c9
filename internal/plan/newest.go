package plan

import (
	"cmp"
	"context"
	"math"
	"slices"

	"bluetrail/internal/event"
	"bluetrail/internal/spl"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// newest puts events in the order in which searches see them: newest first,
// and of the same second what was taken in later first. With a limit it keeps
// no more than twice that many.
type newest struct {
	env     *spl.Env
	limit   int
	batches []*vector.Batch
	keys    []key
	held    int
}

type key struct {
	time, seq  float64
	batch, row int32
}

func newNewest(env *spl.Env, limit int) *newest { return &newest{env: env, limit: limit} }

func (n *newest) Add(_ context.Context, b *vector.Batch) error {
	size := b.Size()
	n.held += size
	t, s := b.Col(event.Time), b.Col(store.Seq)
	at := int32(len(n.batches))
	n.batches = append(n.batches, b)
	for i := range b.Len {
		k := key{time: math.Inf(-1), batch: at, row: int32(i)}
		if t != nil {
			if f, ok := t.At(i).Num(); ok {
				k.time = f
			}
		}
		if s != nil {
			k.seq, _ = s.At(i).Num()
		}
		n.keys = append(n.keys, k)
	}
	err := n.env.Memory.Take(size)
	if err == nil && n.limit > 0 && len(n.keys) > 2*n.limit+vector.DefaultRows {
		n.shrink()
	}
	return err
}

func (n *newest) Merge(other spl.Reducer) error {
	o := other.(*newest)
	base := int32(len(n.batches))
	n.batches = append(n.batches, o.batches...)
	for _, k := range o.keys {
		k.batch += base
		n.keys = append(n.keys, k)
	}
	n.held += o.held
	return nil
}

func (n *newest) sort() {
	slices.SortFunc(n.keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(b.seq, a.seq), cmp.Compare(a.batch, b.batch), cmp.Compare(a.row, b.row))
	})
	if n.limit > 0 && len(n.keys) > n.limit {
		n.keys = n.keys[:n.limit]
	}
}

// shrink drops what is beyond the limit, copying what stays.
func (n *newest) shrink() {
	n.sort()
	b := vector.NewBuilder()
	for _, k := range n.keys {
		b.Add()
		for _, c := range n.batches[k.batch].Cols {
			b.Set(c.Name, c.At(int(k.row)).Clone())
		}
	}
	kept := b.Batch()
	n.env.Memory.Take(kept.Size() - n.held)
	n.held = kept.Size()
	n.batches = []*vector.Batch{kept}
	for i := range n.keys {
		n.keys[i].batch, n.keys[i].row = 0, int32(i)
	}
}

func (n *newest) Results(context.Context) (spl.Operator, error) {
	n.sort()
	var out []*vector.Batch
	for from := 0; from < len(n.keys); from += vector.DefaultRows {
		b := vector.NewBuilder()
		for _, k := range n.keys[from:min(from+vector.DefaultRows, len(n.keys))] {
			b.AddRow(n.batches[k.batch], int(k.row))
		}
		out = append(out, b.Batch().Keep(func(name string) bool { return name != store.Seq }))
	}
	n.batches, n.keys = nil, nil
	n.env.Memory.Take(-n.held)
	return spl.Rows(out...), nil
}
