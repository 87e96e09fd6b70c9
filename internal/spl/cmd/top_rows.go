package cmd

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strconv"

	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// NewReducer implements exec.Transforming.
func (c *Top) NewReducer(env *exec.Env) (exec.Reducer, error) {
	g, err := op.NewGrouper(env, c.count, slices.Concat(c.By, c.Fields), false)
	return &top{c: c, env: env, g: &op.Gatherer{Grouper: g}}, err
}

type top struct {
	c   *Top
	env *exec.Env
	g   *op.Gatherer
}

// Add implements exec.Reducer.
func (t *top) Add(ctx context.Context, b *vector.Batch) error { return t.g.Add(ctx, b) }

// Merge implements exec.Reducer.
func (t *top) Merge(ctx context.Context, o exec.Reducer) error { return t.g.Merge(ctx, o.(*top).g) }

// Close implements exec.Reducer.
func (t *top) Close() { t.g.Close() }

// frequency is a combination of values with the number of its rows.
type frequency struct {
	keys []vector.Value // values of BY, then of the fields
	n    float64
}

// compare sorts by the values of BY, then by display order.
func (c *Top) compare(x, y *frequency) int {
	by := len(c.By)
	d := cmp.Compare(y.n, x.n)
	if c.Rare {
		d = -d
	}
	return cmp.Or(compareKeys(x.keys[:by], y.keys[:by]), d, compareKeys(y.keys, x.keys))
}

// Results implements exec.Reducer.
func (t *top) Results(ctx context.Context) (exec.Operator, error) {
	if t.g.Full {
		return t.spilled(ctx)
	}
	groups, err := t.g.Sorted(ctx)
	if err != nil {
		return nil, err
	}
	counted, totals := make([]frequency, len(groups)), partTotals{by: len(t.c.By), held: t.g.Held}
	if err := t.g.Held.Add(32 * len(groups)); err != nil && !exec.EndsEarly(err) {
		return nil, err
	}
	for i, g := range groups {
		counted[i] = t.count(t.g.Grouper, g)
		if err := totals.add(&counted[i]); err != nil && !exec.EndsEarly(err) {
			return nil, err
		}
		t.env.Poll()
	}
	err = exec.SortFunc(ctx, counted, func(x, y frequency) int { return t.c.compare(&x, &y) })
	if err != nil {
		return nil, err
	}
	return t.emitted(&totals, func(context.Context) (*frequency, error) {
		if len(counted) == 0 {
			return nil, io.EOF
		}
		f := counted[0]
		counted = counted[1:]
		return &f, nil
	}, t.g.Close), nil
}

func (t *top) count(g *op.Grouper, grp *op.Group) frequency {
	n, _ := g.Aggregates(grp)[0].Result().Num()
	return frequency{grp.Values(), n}
}

// The count column of combinations on disk.
const topCount = "\x00count"

func topKey(n int) string { return "\x00" + strconv.Itoa(n) }

// spilled sorts combinations that do not fit in memory.
func (t *top) spilled(ctx context.Context) (exec.Operator, error) {
	width := len(t.c.By) + len(t.c.Fields)
	names := []string{topCount}
	for n := range width {
		names = append(names, topKey(n))
	}
	order := spill.Order[frequency]{Keys: func(b *vector.Batch) []frequency { return topFrequencies(b, width) }, Compare: t.c.compare}
	rows := op.NewSorted(t.env, order, 0, 24+48*width)
	totals := &partTotals{by: len(t.c.By), held: t.env.Memory.Hold()}
	free := func() {
		rows.Close()
		totals.held.Release()
	}
	err := t.g.Groups(ctx, func(g *op.Grouper) error {
		groups, err := g.Sorted(ctx)
		if err != nil {
			return err
		}
		out := op.NewEmitter(func(b *vector.Batch) error { return rows.Add(ctx, b) }, names)
		for _, grp := range groups {
			f := t.count(g, grp)
			if err := totals.add(&f); err != nil && !exec.EndsEarly(err) {
				return err
			}
			out.Add()
			out.SetAt(0, vector.Float(f.n))
			for n, k := range f.keys {
				out.SetAt(n+1, k)
			}
			if err := out.Row(ctx); err != nil {
				return err
			}
		}
		return out.End()
	})
	t.g.Close()
	if err != nil && !exec.EndsEarly(err) {
		free()
		return nil, err
	}
	in, err := rows.Results(ctx)
	if err != nil {
		free()
		return nil, err
	}
	var at []frequency
	return t.emitted(totals, func(ctx context.Context) (*frequency, error) {
		for len(at) == 0 {
			b, err := in.Next(ctx)
			if err != nil {
				return nil, err
			}
			at = topFrequencies(b, width)
		}
		f := at[0]
		at = at[1:]
		return &f, nil
	}, func() {
		in.Close()
		free()
	}), nil
}

func topFrequencies(b *vector.Batch, width int) []frequency {
	list, keys := make([]frequency, b.Len), make([]vector.Value, width*b.Len)
	counts := b.Col(topCount)
	for i := range list {
		list[i].keys = keys[i*width : (i+1)*width : (i+1)*width]
		list[i].n, _ = counts.At(i).Num()
	}
	for n := range width {
		col := b.Col(topKey(n))
		for i := range list {
			list[i].keys[n] = col.At(i)
		}
	}
	return list
}

// partTotals counts the rows of each combination of BY values.
type partTotals struct {
	by   int
	rows map[string]float64
	held *exec.Held
	buf  []byte
}

// key returns the key for the BY values of a combination. Numbers compare as
// numbers.
func (p *partTotals) key(f *frequency) []byte {
	p.buf = p.buf[:0]
	for _, v := range f.keys[:p.by] {
		text := v.Text()
		if n, ok := v.Num(); ok {
			text = vector.FormatNumber(n)
		}
		p.buf = vector.AppendPart(p.buf, text)
	}
	return p.buf
}

func (p *partTotals) add(f *frequency) error {
	if p.rows == nil {
		p.rows = map[string]float64{}
	}
	key := p.key(f)
	n, known := p.rows[string(key)]
	p.rows[string(key)] = n + f.n
	if known {
		return nil
	}
	return p.held.Add(len(key) + 64)
}

func (p *partTotals) of(f *frequency) float64 { return p.rows[string(p.key(f))] }

// emitted returns an operator with the result rows. next returns the
// combinations in order.
func (t *top) emitted(totals *partTotals, next func(context.Context) (*frequency, error), free func()) exec.Operator {
	c := t.c
	by := len(c.By)
	return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
		names := slices.Concat(c.By, c.Fields)
		out := op.NewEmitter(emit, names)
		row := func(keys []vector.Value, n, total float64) error {
			out.Add()
			for i, k := range keys {
				out.Set(names[i], k) // a name may occur twice
			}
			if c.ShowCount {
				out.Set(c.CountField, vector.Float(n))
			}
			if c.ShowPercent {
				p := 100 * n / total
				out.Set(c.PercentField, vector.Formatted(p, strconv.FormatFloat(p, 'f', 6, 64)))
			}
			return out.Row(ctx)
		}
		var first *frequency // of the current BY values
		shown, rest := 0, 0.0
		endPart := func() error {
			if first == nil || rest == 0 || !c.UseOther {
				return nil
			}
			keys := slices.Clone(first.keys)
			for i := by; i < len(keys); i++ {
				keys[i] = vector.String(c.Other)
			}
			return row(keys, rest, totals.of(first))
		}
		for {
			f, err := next(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			if first == nil || !sameKeys(first.keys[:by], f.keys[:by]) {
				if err := endPart(); err != nil {
					return err
				}
				first, shown, rest = f, 0, 0
			}
			if c.Limit > 0 && shown >= c.Limit {
				rest += f.n
				t.env.Poll()
				continue
			}
			shown++
			if err := row(f.keys, f.n, totals.of(f)); err != nil {
				return err
			}
		}
		if err := endPart(); err != nil {
			return err
		}
		return out.End()
	}, free)
}

func sameKeys(a, b []vector.Value) bool { return compareKeys(a, b) == 0 }

func compareKeys(a, b []vector.Value) int {
	for i := range a {
		if c := vector.CompareValues(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}
