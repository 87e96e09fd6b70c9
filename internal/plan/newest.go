package plan

import (
	"cmp"
	"context"
	"math"

	"bluetrail/internal/event"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl"
	"bluetrail/internal/store"
	"bluetrail/internal/vector"
)

// newest puts events in the order in which searches see them: newest first,
// and of the same second what was taken in later first. With a limit it keeps
// no more than twice that many, or a few more where some are on disk, where what
// memory does not hold goes to.
type newest struct {
	env     *spl.Env
	limit   int
	batches []*vector.Batch
	keys    []key
	held    int
	runs    spill.Runs[when]
}

// when is what events are ordered by.
type when struct{ time, seq float64 }

type key struct {
	when
	batch, row int32
}

func newNewest(env *spl.Env, limit int) *newest {
	return &newest{env: env, limit: limit, runs: spill.Runs[when]{Space: env.Disk, Order: spill.Order[when]{Keys: whens, Compare: later}}}
}

// later is the order of events.
func later(a, b *when) int { return cmp.Or(cmp.Compare(b.time, a.time), cmp.Compare(b.seq, a.seq)) }

// whens returns what the rows of a batch are ordered by. Those without a time come
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

func (n *newest) Add(ctx context.Context, b *vector.Batch) error {
	size := b.Size() + b.Len*32
	n.held += size
	at := int32(len(n.batches))
	n.batches = append(n.batches, b)
	for i, w := range whens(b) {
		n.keys = append(n.keys, key{when: w, batch: at, row: int32(i)})
	}
	if err := n.env.Memory.Take(size); err != nil {
		return err
	}
	tight := n.env.Tight(n.held)
	if n.limit > 0 && (len(n.keys) > 2*n.limit+vector.DefaultRows || tight && len(n.keys) > n.limit) {
		if err := n.shrink(ctx); err != nil {
			return err
		}
		tight = n.env.Tight(n.held)
	}
	if tight {
		return n.spill(ctx)
	}
	return nil
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
	n.runs.Take(&o.runs)
	return nil
}

func (n *newest) sort(ctx context.Context) error {
	err := spl.SortFunc(ctx, n.keys, func(a, b key) int {
		return cmp.Or(later(&a.when, &b.when), cmp.Compare(a.batch, b.batch), cmp.Compare(a.row, b.row))
	})
	if n.limit > 0 && len(n.keys) > n.limit {
		n.keys = n.keys[:n.limit]
	}
	return err
}

// shrink drops what is beyond the limit, copying what stays.
func (n *newest) shrink(ctx context.Context) error {
	if err := n.sort(ctx); err != nil {
		return err
	}
	b := vector.NewBuilder()
	for _, k := range n.keys {
		b.Add()
		for _, c := range n.batches[k.batch].Cols {
			b.Set(c.Name, c.At(int(k.row)).Clone())
		}
	}
	kept := b.Batch()
	n.hold(kept.Size())
	n.batches = []*vector.Batch{kept}
	for i := range n.keys {
		n.keys[i].batch, n.keys[i].row = 0, int32(i)
	}
	return nil
}

// hold says how many bytes are left of what was held.
func (n *newest) hold(size int) {
	n.env.Memory.Take(size - n.held)
	n.held = size
}

// spill puts the events at hand on disk.
func (n *newest) spill(ctx context.Context) error {
	if err := n.sort(ctx); err != nil {
		return err
	}
	pulse := spl.NewPulse(ctx)
	err := n.runs.Add(ctx, func(f *spill.File) error {
		for _, k := range n.keys {
			if err := cmp.Or(pulse.Err(), f.Add(n.batches[k.batch], int(k.row))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return n.env.OnDisk(err)
	}
	n.batches, n.keys = nil, nil
	n.hold(0)
	return nil
}

func (n *newest) Results(ctx context.Context) (spl.Operator, error) {
	if err := n.sort(ctx); err != nil {
		return nil, err
	}
	var out []*vector.Batch
	for from := 0; from < len(n.keys); from += vector.DefaultRows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b := vector.NewBuilder()
		for _, k := range n.keys[from:min(from+vector.DefaultRows, len(n.keys))] {
			b.AddRow(n.batches[k.batch], int(k.row))
		}
		out = append(out, b.Batch())
	}
	n.batches, n.keys = nil, nil
	n.hold(0)
	if n.runs.Len() == 0 {
		return spl.Mapped(spl.Rows(out...), unnumbered{}), nil
	}
	n.runs.Hold(out)
	merged, err := n.runs.Merge(ctx)
	if err != nil {
		return nil, n.env.OnDisk(err)
	}
	return spl.Mapped(merged, unnumbered{}), nil
}

// Close implements spl.Closing.
func (n *newest) Close() { n.runs.Close() }

// unnumbered takes away what only orders events.
type unnumbered struct{}

func (unnumbered) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	return b.Keep(func(name string) bool { return name != store.Seq }), nil
}
