package spill

import (
	"container/heap"
	"context"
	"errors"
	"io"
	"slices"

	"bluetrail/internal/vector"
)

// Order says how rows are ordered: Keys takes out of a batch what Compare needs
// of each row.
type Order[K any] struct {
	Keys    func(b *vector.Batch) []K
	Compare func(a, b *K) int
}

// most is how many files are read beside each other, fewest how many when their blocks
// are large: a block of each is in memory, mergeBytes of all together. A file that is
// not read yet takes no memory; there are up to unread of them.
const (
	most       = 64
	fewest     = 4
	mergeBytes = 16 << 20
	unread     = 2 * most
)

// Runs are rows in order, most of them in files, to be merged. It is for one goroutine.
type Runs[K any] struct {
	Order Order[K]
	Space *Space
	list  []run
}

// run is where the rows of a run are read from.
type run interface {
	Next() (*vector.Batch, error)
	Close()
}

// inMemory is a run of rows that are not in a file; it is nil once they are read.
type inMemory func() (*vector.Batch, error)

func (r *inMemory) Next() (*vector.Batch, error) {
	if *r == nil {
		return nil, io.EOF
	}
	return (*r)()
}

func (r *inMemory) Close() { *r = nil }

// Len is how many runs there are.
func (r *Runs[K]) Len() int { return len(r.list) }

// width is how many runs are read beside each other.
func (r *Runs[K]) width() int {
	block := blockSize
	for _, f := range r.list {
		if f, ok := f.(*File); ok {
			block = max(block, f.block)
		}
	}
	return min(most, max(fewest, mergeBytes/block))
}

// Add makes a run of the rows that fill puts into a file, in order. Rows with
// equal keys will stay behind those of runs before.
func (r *Runs[K]) Add(ctx context.Context, fill func(f *File) error) error {
	if len(r.list) >= unread {
		if err := r.compact(ctx, r.width()); err != nil {
			return err
		}
	}
	f, err := r.Space.Create()
	if err != nil {
		return err
	}
	if err := fill(f); err != nil {
		f.Close()
		return err
	}
	r.list = append(r.list, f)
	return nil
}

// Hold makes a run of rows in order that stay in memory: next hands them out,
// io.EOF behind the last.
func (r *Runs[K]) Hold(next func() (*vector.Batch, error)) {
	held := inMemory(next)
	r.list = append(r.list, &held)
}

// Take appends the runs of another, which has none afterwards.
func (r *Runs[K]) Take(o *Runs[K]) {
	r.list = append(r.list, o.list...)
	o.list = nil
}

// smallest returns where the n runs beside each other begin that have the fewest bytes.
// Runs in memory stay there if possible.
func (r *Runs[K]) smallest(n int) (at int) {
	size := func(i int) int64 {
		if f, ok := r.list[i].(*File); ok {
			return f.size
		}
		return 1 << 40
	}
	sum := int64(0)
	for i := range n {
		sum += size(i)
	}
	least := sum
	for i := n; i < len(r.list); i++ {
		if sum += size(i) - size(i-n); sum < least {
			at, least = i-n+1, sum
		}
	}
	return at
}

// compact makes one run of n runs beside each other. *Full says that only some of
// their rows fit into its file; the others stay where they are, as a run behind it.
func (r *Runs[K]) compact(ctx context.Context, n int) error {
	f, err := r.Space.Create()
	if err != nil {
		return err
	}
	at := r.smallest(n)
	merged := &Merged[K]{runs: slices.Clone(r.list[at : at+n]), tree: tree[K]{order: r.Order}}
	r.list = slices.Replace(r.list, at, at+n, run(f))
	for {
		b, err := merged.Next(ctx)
		if err == io.EOF {
			merged.Close()
			return nil
		}
		for i := 0; err == nil && i < b.Len; i++ {
			if err = f.Add(b, i); errors.As(err, new(*Full)) {
				r.list = slices.Insert(r.list, at+1, run(&remainder[K]{ctx: ctx, b: b.Slice(i+1, b.Len), of: merged}))
				return err
			}
		}
		if err != nil {
			merged.Close()
			return err
		}
	}
}

// remainder is a run of the rows that a merge has not handed out: b, then the rest.
type remainder[K any] struct {
	ctx context.Context
	b   *vector.Batch
	of  *Merged[K]
}

func (r *remainder[K]) Next() (*vector.Batch, error) {
	if b := r.b; b != nil && b.Len > 0 {
		r.b = nil
		return b, nil
	}
	return r.of.Next(r.ctx)
}

func (r *remainder[K]) Close() { r.of.Close() }

// Merge returns all rows in order. The runs belong to what is returned.
func (r *Runs[K]) Merge(ctx context.Context) (*Merged[K], error) {
	for {
		n := r.width()
		if len(r.list) <= n {
			break
		}
		err := r.compact(ctx, min(n, len(r.list)-n+1))
		if errors.As(err, new(*Full)) {
			break // read more runs beside each other instead; there are not many on so little space
		}
		if err != nil {
			return nil, err
		}
	}
	m := &Merged[K]{runs: r.list, tree: tree[K]{order: r.Order}}
	r.list = nil
	return m, nil
}

// Close frees the runs.
func (r *Runs[K]) Close() {
	for _, f := range r.list {
		f.Close()
	}
	r.list = nil
}

// Merged hands out the rows of runs in order.
type Merged[K any] struct {
	runs  []run
	tree  tree[K]
	begun bool
}

// Next returns the next rows, io.EOF behind the last. Columns that no row sets
// are not there.
func (m *Merged[K]) Next(ctx context.Context) (*vector.Batch, error) {
	if !m.begun {
		m.begun = true
		for i, f := range m.runs {
			h := &head[K]{run: i, from: f}
			if err := m.tree.load(h); err == nil {
				m.tree.heads = append(m.tree.heads, h)
			} else if err != io.EOF {
				return nil, err
			}
		}
		heap.Init(&m.tree)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := vector.NewBuilder()
	for size := 0; out.Len() < vector.DefaultRows && size < 16*blockSize && len(m.tree.heads) > 0; {
		h := m.tree.heads[0]
		out.AddRow(h.b, h.row)
		size += h.each
		if h.row++; h.row == h.b.Len {
			if err := m.tree.load(h); err == io.EOF {
				heap.Pop(&m.tree)
				continue
			} else if err != nil {
				return nil, err
			}
		}
		heap.Fix(&m.tree, 0)
	}
	if out.Len() == 0 {
		m.Close()
		return nil, io.EOF
	}
	return out.Batch(), nil
}

// Close frees the runs.
func (m *Merged[K]) Close() {
	for _, f := range m.runs {
		f.Close()
	}
	m.runs, m.tree.heads = nil, nil
}

// tree is a heap of the runs by their next rows.
type tree[K any] struct {
	order Order[K]
	heads []*head[K]
}

// head is the next row of a run.
type head[K any] struct {
	run  int
	from run
	b    *vector.Batch
	keys []K
	row  int
	each int // bytes of a row of b, about
}

// load reads the next batch of a run that has rows.
func (t *tree[K]) load(h *head[K]) (err error) {
	for {
		if h.b, err = h.from.Next(); err != nil {
			h.from.Close()
			return err
		}
		if h.b.Len > 0 {
			h.keys, h.row, h.each = t.order.Keys(h.b), 0, h.b.Size()/h.b.Len
			return nil
		}
	}
}

func (t *tree[K]) Len() int { return len(t.heads) }

func (t *tree[K]) Less(i, j int) bool {
	a, b := t.heads[i], t.heads[j]
	if c := t.order.Compare(&a.keys[a.row], &b.keys[b.row]); c != 0 {
		return c < 0
	}
	return a.run < b.run
}

func (t *tree[K]) Swap(i, j int) { t.heads[i], t.heads[j] = t.heads[j], t.heads[i] }

func (t *tree[K]) Push(h any) { t.heads = append(t.heads, h.(*head[K])) }

func (t *tree[K]) Pop() any {
	last := t.heads[len(t.heads)-1]
	t.heads = t.heads[:len(t.heads)-1]
	return last
}
