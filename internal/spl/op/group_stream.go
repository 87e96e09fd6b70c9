package op

import (
	"cmp"
	"context"
	"io"
	"slices"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Rank is an order of groups: K is what Compare needs of the keys of one. Groups that
// compare as equal have the same keys.
type Rank[K any] struct {
	Of      func(keys []vector.Value) K
	Compare func(a, b *K) int
}

// ByKeys is the order in which Grouper.Sorted puts groups.
var ByKeys = Rank[Ranked]{
	Of:      func(keys []vector.Value) Ranked { return rank(&Group{keys: keys}) },
	Compare: func(a, b *Ranked) int { return compareRanked(*a, *b) },
}

// Stream returns all groups of g in order, which are on disk meanwhile. each is called
// with every group first and returns the keys it is to have, its own or others; groups
// that get the same keys become one.
func Stream[K any](ctx context.Context, g *Gatherer, order Rank[K], each func(g *Grouper, grp *Group) ([]vector.Value, error)) (*GroupStream, error) {
	runs := spill.Runs[K]{Space: g.env.Disk, Order: spill.Order[K]{
		Keys: func(b *vector.Batch) []K {
			list := make([]K, b.Len)
			for i := range list {
				list[i] = order.Of(stateKeys(b, i, len(g.by)))
			}
			return list
		},
		Compare: order.Compare,
	}}
	err := g.Groups(ctx, func(sub *Grouper) error {
		type ranked struct {
			grp  *Group
			rank K
		}
		list := make([]ranked, len(sub.order))
		for i, grp := range sub.order {
			g.every.Poll(g.env, 64)
			keys, err := each(sub, grp)
			if err != nil {
				return err
			}
			grp.keys = keys
			list[i] = ranked{grp, order.Of(keys)}
		}
		if err := exec.SortFunc(ctx, list, func(a, b ranked) int { return order.Compare(&a.rank, &b.rank) }); err != nil {
			return err
		}
		rows := stateRows{env: g.env}
		next := func() (*vector.Batch, error) {
			for len(list) > 0 && !rows.full() {
				grp := list[0].grp
				list[0] = ranked{}
				list = list[1:]
				if err := rows.add(grp); err != nil {
					return nil, err
				}
			}
			return rows.next()
		}
		var unwritten *vector.Batch
		err := runs.Add(ctx, func(f *spill.File) error {
			for {
				b, err := next()
				if err == io.EOF {
					return nil
				}
				if err == nil {
					if err = f.Write(b); err != nil {
						unwritten = b
					}
				}
				if err := cmp.Or(err, ctx.Err()); err != nil {
					return err
				}
			}
		})
		err = g.env.OnDisk(err)
		if exec.EndsEarly(err) {
			runs.Hold(func() (*vector.Batch, error) {
				if b := unwritten; b != nil {
					unwritten = nil
					return b, nil
				}
				return next()
			})
		}
		return err
	})
	var merged *spill.Merged[K]
	if err == nil || exec.EndsEarly(err) {
		merged, err = runs.Merge(ctx)
	}
	if err != nil {
		runs.Close()
		return nil, g.env.OnDisk(err)
	}
	sub, err := g.below()
	if err != nil {
		merged.Close()
		return nil, err
	}
	return &GroupStream{g: sub.Grouper, next: merged.Next, free: merged.Close}, nil
}

// GroupStream hands out groups one by one. It is for one goroutine.
type GroupStream struct {
	g    *Grouper
	next func(context.Context) (*vector.Batch, error)
	free func()
	b    *vector.Batch
	at   int
}

// Grouper returns the grouper that the groups belong to.
func (s *GroupStream) Grouper() *Grouper { return s.g }

// Next returns the next group, which is the caller's, io.EOF behind the last. The
// memory of the group counts until the next call.
func (s *GroupStream) Next(ctx context.Context) (*Group, error) {
	s.g.Held.Release()
	var grp *Group
	for {
		for s.b == nil || s.at == s.b.Len {
			b, err := s.next(ctx)
			if err == io.EOF && grp != nil {
				s.b, s.at = &vector.Batch{}, 0
				return grp, nil
			}
			if err != nil {
				return nil, s.g.env.OnDisk(err)
			}
			s.b, s.at = b, 0
		}
		s.g.every.Poll(s.g.env, 16)
		keys := stateKeys(s.b, s.at, len(s.g.by))
		first := grp == nil
		if first {
			grp = &Group{keys: keys}
			for n, v := range keys {
				keys[n] = v.Clone()
			}
		} else if !slices.EqualFunc(grp.keys, keys, func(a, b vector.Value) bool { return a.Text() == b.Text() }) {
			return grp, nil
		}
		grown, err := s.g.mergeStates(grp, first, []byte(s.b.At(stateField, s.at).Text()))
		if err == nil {
			err = s.g.Held.Add(grown)
		}
		if err != nil && !exec.EndsEarly(err) {
			return nil, err
		}
		s.at++
	}
}

// Close frees memory and files.
func (s *GroupStream) Close() {
	s.g.Held.Release()
	s.free()
}

// GroupFile keeps groups on disk in the order in which they come.
type GroupFile struct {
	g    *Grouper
	f    *spill.File
	rows stateRows
}

// NewFile returns an empty file for the groups of s.
func (s *GroupStream) NewFile() (*GroupFile, error) {
	f, err := s.g.env.Disk.Create()
	return &GroupFile{g: s.g, f: f, rows: stateRows{env: s.g.env}}, err
}

// Add takes a group, which is of no use afterwards.
func (f *GroupFile) Add(grp *Group) error {
	if err := f.rows.add(grp); err != nil {
		return err
	}
	if f.rows.full() {
		return f.flush()
	}
	return nil
}

func (f *GroupFile) flush() error {
	for {
		b, err := f.rows.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = f.f.Write(b)
		}
		if err != nil {
			return f.g.env.OnDisk(err)
		}
	}
}

// Stream returns the groups of the file, which belongs to it.
func (f *GroupFile) Stream() (*GroupStream, error) {
	if err := f.flush(); err != nil && !exec.EndsEarly(err) {
		return nil, err
	}
	sub := *f.g
	sub.Held = f.g.env.Memory.Hold()
	return &GroupStream{g: &sub, next: func(context.Context) (*vector.Batch, error) { return f.f.Next() }, free: f.f.Close}, nil
}

// Close frees the file.
func (f *GroupFile) Close() { f.f.Close() }
