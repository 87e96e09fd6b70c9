package op

import (
	"context"
	"io"
	"maps"
	"slices"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"

	"github.com/cespare/xxhash/v2"
)

// Gatherer is a grouper with more groups than memory holds. Once memory is
// tight, rows go to files by a hash of the group they belong to; in the end the
// groups of each file are made by themselves, from what there was in memory and
// the file's rows.
type Gatherer struct {
	*Grouper
	level int // how often the groups have been parted already
	parts [overflowParts][]*spill.File
	Full  bool // there are files
}

// Every level parts the groups by 16: three of them are enough for 4,096 times
// as many as memory holds.
const (
	overflowParts  = 16
	overflowLevels = 3
)

// keyField is the name under which rows in files have the value of by-field n,
// one of them where the row has several.
func keyField(n int) string { return "_\x00" + strconv.Itoa(n) }

// Add takes the rows of a batch in.
func (g *Gatherer) Add(ctx context.Context, b *vector.Batch) error {
	for from := 0; from < b.Len; {
		if g.Full {
			return g.put(b.Slice(from, b.Len))
		}
		to := min(b.Len, from+g.portion(b))
		if err := g.Grouper.Add(b.Slice(from, to)); err != nil {
			return err
		}
		from, g.Full = to, g.tight()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// portion is how many rows of a batch are taken in before memory is looked at:
// one batch may have more than all of it.
func (g *Gatherer) portion(b *vector.Batch) int {
	if g.env.Disk == nil || len(g.by) == 0 || b.Len == 0 {
		return max(1, b.Len)
	}
	row := b.Size()/b.Len + 256*(1+len(g.slots)+len(b.Cols)) // about, with what aggregates need beside the values
	return max(1, int(g.env.Limits.Memory/16)/row)
}

// tight reports whether further rows should go to files. Those of a level wait in
// memory while the groups of the one below are made.
func (g *Gatherer) tight() bool {
	switch {
	case len(g.by) == 0 || g.level == overflowLevels || slices.ContainsFunc(g.aggs, ranged):
		return false
	case g.level == 0:
		return g.env.Tight(g.Held.Size())
	}
	return int64(g.Held.Size()) > g.env.Limits.Memory/4
}

// ranged reports whether the result of an aggregate depends on the rows of other
// groups.
func ranged(a *Aggregation) bool { return a.Inner != nil }

// put puts the rows of a batch into files: each once for every group it is in.
func (g *Gatherer) put(b *vector.Batch) error {
	g.Expand(b)
	cols := make([]*vector.Column, len(g.by))
	for n, name := range g.by {
		if cols[n] = b.Col(name); cols[n] == nil {
			return nil // no row is in a group
		}
	}
	read := filter.Fields(vector.Alike)
	for _, a := range g.aggs {
		read = read.Add(a.Fields()...)
	}
	q := &queue{g: g, b: b.Keep(read.Has), keys: make([][]vector.Value, len(cols))}
	for i := range b.Len {
		g.every.Poll(g.env, 64)
		var err error
		switch g.cells(cols, i) {
		case single:
			err = q.take(i)
		case several:
			err = g.combine(cols, i, 0, func() error { return q.take(i) })
		}
		if err != nil {
			return g.env.OnDisk(err)
		}
	}
	return g.env.OnDisk(q.flush())
}

// queue are rows of a batch on their way into files.
type queue struct {
	g    *Gatherer
	b    *vector.Batch
	rows []int32
	keys [][]vector.Value // by by-field: its value in each of rows
}

// take adds row i as one of the group that g.keys.vals say.
func (q *queue) take(i int) error {
	q.rows = append(q.rows, int32(i))
	for n, v := range q.g.keys.vals {
		q.keys[n] = append(q.keys[n], v)
	}
	if len(q.rows) < 8*vector.DefaultRows {
		return nil
	}
	return q.flush()
}

func (q *queue) flush() error {
	if len(q.rows) == 0 {
		return nil
	}
	cols := make([]*vector.Column, len(q.keys))
	for n := range q.keys {
		cols[n] = vector.NewColumn(keyField(n), q.keys[n])
	}
	b := q.b.Pick(q.rows).With(cols...).Own() // files hold rows back, and a store's buffers are used again
	key := make([]vector.Value, len(cols))
	for i := range b.Len {
		for n := range key {
			key[n] = cols[n].At(i)
		}
		if err := q.g.file(key, b, i); err != nil {
			return err
		}
	}
	q.rows = q.rows[:0]
	for n := range q.keys {
		q.keys[n] = q.keys[n][:0]
	}
	return nil
}

// file appends a row to the file of its group.
func (g *Gatherer) file(key []vector.Value, b *vector.Batch, i int) error {
	p := &g.parts[g.part(key)]
	if len(*p) == 0 {
		f, err := g.env.Disk.Create()
		if err != nil {
			return err
		}
		*p = append(*p, f)
	}
	return (*p)[0].Add(b, i)
}

// part returns where the rows of a group belong.
func (g *Gatherer) part(key []vector.Value) int {
	h := xxhash.NewWithSeed(uint64(g.level))
	var buf [64]byte
	for _, v := range key {
		h.Write(append(v.AppendText(buf[:0]), 0))
	}
	return int(h.Sum64() % overflowParts)
}

// Merge takes over what another one gathered.
func (g *Gatherer) Merge(ctx context.Context, o *Gatherer) error {
	for i := range g.parts {
		g.parts[i] = append(g.parts[i], o.parts[i]...)
		o.parts[i] = nil
	}
	g.Full = g.Full || o.Full
	return g.Grouper.Merge(ctx, o.Grouper)
}

// Groups calls fn with groupers that have all groups between them.
func (g *Gatherer) Groups(ctx context.Context, fn func(g *Grouper) error) error {
	if !g.Full {
		return fn(g.Grouper)
	}
	var held [overflowParts][]*Group
	for _, grp := range g.order {
		g.every.Poll(g.env, 64)
		i := g.part(grp.keys)
		held[i] = append(held[i], grp)
	}
	share := g.Held.Size() / max(1, len(g.order)) // of a group in what is held
	g.order, g.keys = nil, keyer{}
	for i := range g.parts {
		sub, err := g.below()
		if err != nil {
			return err
		}
		for _, grp := range held[i] {
			g.every.Poll(g.env, 64)
			g.fill(grp)
			sub.group(grp.keys).aggs = grp.aggs
		}
		moved := share * len(held[i])
		held[i] = nil
		g.Held.Add(-moved)
		sub.keys.grown = 0 // it is part of what moved
		if err = sub.Held.Add(moved); err == nil {
			err = sub.read(ctx, g.parts[i])
		}
		if err == nil || exec.EndsEarly(err) {
			err = sub.Groups(ctx, fn)
		}
		sub.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// below returns an empty gatherer for a part of the groups.
func (g *Gatherer) below() (*Gatherer, error) {
	by := make([]string, len(g.by))
	for n := range by {
		by[n] = keyField(n)
	}
	sub, err := NewGrouper(g.env, g.aggs, by, g.split, g.apart...)
	if err != nil {
		return nil, err
	}
	// Rows in files also have the fields of BY under their own names, for
	// aggregates that read them; a wildcard still does not stand for them.
	sub.slots, sub.apart = slices.Clone(g.slots), slices.Concat(g.apart, g.by)
	for i, fields := range g.expanded {
		sub.expanded[i] = maps.Clone(fields)
	}
	return &Gatherer{Grouper: sub, level: g.level + 1}, nil
}

// read takes in the rows of files.
func (g *Gatherer) read(ctx context.Context, files []*spill.File) error {
	for _, f := range files {
		for {
			b, err := f.Next()
			if err == io.EOF {
				break
			}
			if err == nil {
				err = g.Add(ctx, b)
			}
			if err != nil {
				return err
			}
		}
		f.Close()
	}
	return nil
}

// Close frees memory and files.
func (g *Gatherer) Close() {
	g.Release()
	for i, files := range g.parts {
		for _, f := range files {
			f.Close()
		}
		g.parts[i] = nil
	}
}

// GroupOrder is that of rows by the named columns, as grouper.sorted orders groups.
func GroupOrder(by []string) spill.Order[Ranked] {
	return spill.Order[Ranked]{
		Keys: func(b *vector.Batch) []Ranked {
			list := make([]Ranked, b.Len)
			for i := range list {
				keys := make([]vector.Value, len(by))
				for n, name := range by {
					keys[n] = b.At(name, i)
				}
				list[i] = rank(&Group{keys: keys})
			}
			return list
		},
		Compare: func(a, b *Ranked) int { return compareRanked(*a, *b) },
	}
}

// InMemory returns the groups that are in memory, in no order.
func (g *Gatherer) InMemory() []*Group { return g.order }
