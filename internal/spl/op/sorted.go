package op

import (
	"cmp"
	"context"
	"io"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Sorted is a reducer that sorts rows; the sort is stable. With a limit it drops rows
// that can no longer be among the first. Rows that do not fit in memory spill to disk
// as sorted runs, which are merged in the end.
type Sorted[K any] struct {
	env   *exec.Env
	order spill.Order[K]
	limit int // 0 = all rows
	each  int // bytes that a row holds beside its batch
	held  *exec.Held
	rows  []sortedRow[K]
	seen  int
	base  int // held after the last shrink
	worst *K  // key of the last of limit rows in memory; rows must come before it
	runs  spill.Runs[K]
}

type sortedRow[K any] struct {
	key   K
	batch *vector.Batch
	row   int32
	seq   int
}

// NewSorted returns an empty Sorted; a key takes up about keyBytes.
func NewSorted[K any](env *exec.Env, order spill.Order[K], limit, keyBytes int) *Sorted[K] {
	return &Sorted[K]{
		env: env, order: order, limit: limit, each: 64 + keyBytes, held: env.Memory.Hold(),
		runs: spill.Runs[K]{Space: env.Disk, Order: order},
	}
}

// Seen is how many rows were added.
func (s *Sorted[K]) Seen() int { return s.seen }

// Add implements exec.Reducer.
func (s *Sorted[K]) Add(ctx context.Context, b *vector.Batch) error {
	before := len(s.rows)
	pulse := exec.NewPulse(ctx)
	for i, key := range s.order.Keys(b) {
		pulse.Work(64)
		if s.worst == nil || s.order.Compare(&key, s.worst) < 0 {
			s.rows = append(s.rows, sortedRow[K]{key, b, int32(i), s.seen})
		}
		s.seen++
	}
	added := len(s.rows) - before
	if added == 0 {
		return nil
	}
	if err := s.held.Add(b.Size() + added*s.each); err != nil {
		return err
	}
	return s.settle(ctx)
}

// settle drops rows past the limit and spills when memory is tight.
func (s *Sorted[K]) settle(ctx context.Context) error {
	if s.limit > 0 && (len(s.rows) > 2*s.limit+vector.DefaultRows || int64(s.held.Size()) > max(s.env.Limits.Memory/8, 2*int64(s.base))) {
		if err := s.shrink(ctx); err != nil {
			return err
		}
	}
	if s.env.Tight(s.held.Size()) {
		return s.spill(ctx)
	}
	return nil
}

// Merge implements exec.Reducer.
func (s *Sorted[K]) Merge(ctx context.Context, other exec.Reducer) error {
	o := other.(*Sorted[K])
	pulse := exec.NewPulse(ctx)
	for _, r := range o.rows {
		pulse.Work(64)
		r.seq += s.seen
		s.rows = append(s.rows, r)
	}
	s.seen += o.seen
	s.runs.Take(&o.runs)
	s.held.TakeOver(o.held)
	o.rows, o.worst = nil, nil
	return s.settle(ctx)
}

func (s *Sorted[K]) sort(ctx context.Context) error {
	err := exec.SortFunc(ctx, s.rows, func(a, b sortedRow[K]) int {
		return cmp.Or(s.order.Compare(&a.key, &b.key), a.seq-b.seq)
	})
	if err == nil && s.limit > 0 && len(s.rows) > s.limit {
		clear(s.rows[s.limit:])
		s.rows = s.rows[:s.limit]
	}
	return err
}

// shrink keeps only the first rows, copied so that the other batches can be freed.
func (s *Sorted[K]) shrink(ctx context.Context) error {
	if err := s.sort(ctx); err != nil {
		return err
	}
	places := make([]vector.Place, len(s.rows))
	for i, r := range s.rows {
		places[i] = vector.Place{Batch: r.batch, Row: r.row}
	}
	kept := vector.Gather(places).Own()
	for i, key := range s.order.Keys(kept) {
		s.rows[i].key, s.rows[i].batch, s.rows[i].row = key, kept, int32(i)
	}
	if len(s.rows) == s.limit {
		worst := s.rows[s.limit-1].key
		s.worst = &worst
	}
	s.base = kept.Size() + len(s.rows)*s.each
	return s.held.Set(s.base)
}

// spill writes the rows in memory to disk.
func (s *Sorted[K]) spill(ctx context.Context) error {
	if err := s.sort(ctx); err != nil {
		return err
	}
	pulse := exec.NewPulse(ctx)
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
	return s.held.Set(0)
}

// Results implements exec.Reducer.
func (s *Sorted[K]) Results(ctx context.Context) (exec.Operator, error) {
	if err := s.sort(ctx); err != nil {
		return nil, err
	}
	if s.runs.Len() == 0 {
		return &sortedRows[K]{s}, nil
	}
	s.runs.Hold(s.next)
	merged, err := s.runs.Merge(ctx)
	if err != nil {
		return nil, s.env.OnDisk(err)
	}
	if s.limit > 0 {
		return &First{In: merged, Left: s.limit}, nil
	}
	return merged, nil
}

// ResultBytes is about how large a returned batch of large rows is.
const ResultBytes = 1 << 20

// next returns the next of the sorted rows in memory and releases them, io.EOF after
// the last.
func (s *Sorted[K]) next() (*vector.Batch, error) {
	if len(s.rows) == 0 {
		s.Close()
		return nil, io.EOF
	}
	each := s.held.Size() / len(s.rows)
	n := min(len(s.rows), vector.DefaultRows, ResultBytes/max(each, 1)+1)
	places := make([]vector.Place, n)
	for i, r := range s.rows[:n] {
		places[i] = vector.Place{Batch: r.batch, Row: r.row}
	}
	clear(s.rows[:n])
	s.rows = s.rows[n:]
	s.held.Set(each * len(s.rows))
	return vector.Gather(places), nil
}

// Close implements exec.Reducer.
func (s *Sorted[K]) Close() {
	s.runs.Close()
	s.held.Release()
	s.rows = nil
}

// sortedRows returns the rows of a Sorted that are all in memory.
type sortedRows[K any] struct{ *Sorted[K] }

func (r *sortedRows[K]) Next(ctx context.Context) (*vector.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.next()
}
