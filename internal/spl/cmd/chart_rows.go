package cmd

import (
	"context"
	"slices"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// The fields of the grouper: the bucket, the column, and the placeholder for a
// missing column value.
const (
	chartRow = "\x00row"
	chartCol = "\x00col"
	chartNil = "\x00null"
)

// NewReducer implements exec.Transforming.
func (c *Chart) NewReducer(env *exec.Env) (exec.Reducer, error) {
	by := []string{chartRow}
	aggs := c.Aggs
	if c.Col != "" {
		by = append(by, chartCol)
		if count, _ := syntax.LookupAggregate("count"); len(c.Values) > 1 || c.Aggs[0].Wild() {
			aggs = append(slices.Clone(aggs), &op.Aggregation{Def: count, Call: "count"}) // for grid.score
		}
	}
	g, err := op.NewGrouper(env, aggs, by, c.Split, c.Row, c.Col)
	if err != nil {
		return nil, err
	}
	r := &chart{c: c, env: env, g: &op.Gatherer{Grouper: g}, row: c.rowAxis(env)}
	if c.Col != "" {
		r.col = newAxis(env, c.Col, &c.ColBins, false)
	}
	r.progs, err = c.compileValues(env)
	return r, err
}

func (c *Chart) rowAxis(env *exec.Env) *axis { return newAxis(env, c.Row, &c.RowBins, c.Time) }

type chart struct {
	c     *Chart
	env   *exec.Env
	g     *op.Gatherer
	progs []*expr.Program // of the shown values
	row   *axis
	col   *axis // nil = no second field
}

func (r *chart) Add(ctx context.Context, b *vector.Batch) error {
	if r.c.Row == "" {
		return r.g.Add(ctx, b.With(vector.Constant(chartRow, vector.String(""))))
	}
	row := b.Col(r.c.Row)
	if row == nil {
		return nil
	}
	b = b.With(r.row.column(row, chartRow, b.Len))
	if r.col != nil {
		b = b.With(r.series(b))
	}
	err := r.g.Add(ctx, b)
	if r.g.Full { // otherwise the groups give the range
		r.note(b)
	}
	return err
}

// note extends the ranges by rows whose groups may have spilled to disk.
func (r *chart) note(b *vector.Batch) {
	rows := b.Col(chartRow)
	r.row.noteAll(rows, b.Len)
	if r.col == nil || r.col.chosen {
		return
	}
	var grouped []int32
	for i := range b.Len {
		if !rows.At(i).IsNull() {
			grouped = append(grouped, int32(i))
		}
	}
	b = b.Pick(grouped)
	r.col.noteAll(b.Col(chartCol), b.Len)
}

// series returns the column field. A missing value gets a column of its own.
func (r *chart) series(b *vector.Batch) *vector.Column {
	none := vector.String(chartNil)
	col := b.Col(r.c.Col)
	if col == nil {
		return vector.Constant(chartCol, none)
	}
	col = r.col.column(col, chartCol, b.Len)
	if v, ok := col.Constant(); ok && !v.IsNull() {
		return col
	}
	vals, codes := col.Codes()
	if codes == nil {
		vals = slices.Clone(col.Rows(make([]vector.Value, b.Len)))
	} else {
		vals = slices.Clone(vals)
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

// Merge implements exec.Reducer.
func (r *chart) Merge(ctx context.Context, other exec.Reducer) error {
	o := other.(*chart)
	r.row.take(o.row)
	if r.col != nil {
		r.col.take(o.col)
	}
	return r.g.Merge(ctx, o.g)
}

// Close implements exec.Reducer.
func (r *chart) Close() { r.g.Close() }
