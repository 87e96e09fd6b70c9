package cmd

import (
	"context"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// The grouper's fields: the bucket, and the column or what stands for none.
const (
	chartRow = "\x00row"
	chartCol = "\x00col"
	chartNil = "\x00null"
)

// NewReducer implements spl.Transforming.
func (c *Chart) NewReducer(env *spl.Env) (spl.Reducer, error) {
	by := []string{chartRow}
	if c.Col != "" {
		by = append(by, chartCol)
	}
	g, err := newGrouper(env, c.Aggs, by)
	if err != nil {
		return nil, err
	}
	r := &chart{c: c, env: env, g: g}
	if r.progs, err = c.compileValues(env); err != nil {
		return nil, err
	}
	r.span, r.chosen = c.openSpan(env)
	if c.Time {
		r.bucket = bucketer{span: r.span, zone: env.Zone}
	}
	return r, nil
}

// openSpan returns the span by which rows are gathered, nil for none. For a
// timechart whose span depends on the events it is a second, and chosen is
// false; buckets are joined at the end.
func (c *Chart) openSpan(env *spl.Env) (span *Span, chosen bool) {
	switch {
	case c.Span != nil:
		return c.Span.aligned(c.Align, env), true
	case c.Time && !env.Earliest.IsZero():
		latest := env.Latest
		if latest.IsZero() {
			latest = env.Now
		}
		return c.timeSpan(spl.Epoch(latest)-spl.Epoch(env.Earliest), env), true
	case c.Time:
		return &Span{Text: "1s", N: 1, Unit: "s"}, false
	}
	return nil, c.Bins == 0 && c.MinSpan == nil
}

// timeSpan chooses a span for a range of seconds.
func (c *Chart) timeSpan(width float64, env *spl.Env) *Span {
	bins := c.Bins
	if bins == 0 {
		bins = 100
	}
	return atLeast(timeSpan(width, bins), c.MinSpan).aligned(c.Align, env)
}

type chart struct {
	c      *Chart
	env    *spl.Env
	g      *grouper
	progs  []*spl.Program // of the values
	span   *Span
	chosen bool // span is the one of the result
	bucket bucketer
}

func (r *chart) Add(_ context.Context, b *vector.Batch) error {
	row := b.Col(r.c.Row)
	if row == nil {
		return nil
	}
	switch {
	case r.c.Time:
		row = r.bucket.starts(chartRow, row, b.Len)
	case r.span != nil:
		row = r.labels(row, b.Len)
	}
	b = b.With(row.Renamed(chartRow))
	if r.c.Col != "" {
		b = b.With(r.series(b))
	}
	return r.g.add(b)
}

// labels turns numbers into the names of their buckets.
func (r *chart) labels(row *vector.Column, n int) *vector.Column {
	vals := make([]vector.Value, n)
	for i := range vals {
		vals[i] = row.At(i)
		if f, ok := vals[i].Num(); ok {
			vals[i] = r.span.label(f)
		}
	}
	return vector.NewColumn(chartRow, vals)
}

// series returns the field of the columns; a missing value is one, too.
func (r *chart) series(b *vector.Batch) *vector.Column {
	none := vector.String(chartNil)
	col := b.Col(r.c.Col)
	if col == nil {
		return vector.Constant(chartCol, none)
	}
	if v, ok := col.Constant(); ok && !v.IsNull() {
		return col.Renamed(chartCol)
	}
	vals, codes := col.Codes()
	if codes == nil {
		vals = existing(b, r.c.Col)
	} else {
		vals = append([]vector.Value(nil), vals...)
	}
	for i, v := range vals {
		if v.IsNull() {
			vals[i] = none
		}
	}
	if codes != nil {
		return vector.Coded(chartCol, vals, codes)
	}
	return vector.NewColumn(chartCol, vals)
}

func (r *chart) Merge(o spl.Reducer) error { return r.g.merge(o.(*chart).g) }
