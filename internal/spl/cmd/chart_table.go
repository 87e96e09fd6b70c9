package cmd

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// grid is the table of a chart while it is made: the aggregates of each cell.
type grid struct {
	c     *Chart
	env   *spl.Env
	rows  []vector.Value
	cells map[string]map[string][]spl.Aggregate // by row, by column
}

// maxBuckets bounds how many empty buckets a timechart fills in.
const maxBuckets = 100000

// Results implements spl.Reducer.
func (r *chart) Results(context.Context) (spl.Operator, error) {
	defer r.g.release()
	g := &grid{c: r.c, env: r.env, cells: map[string]map[string][]spl.Aggregate{}}
	span := r.span
	if r.c.Time && r.c.Span == nil && r.env.Earliest.IsZero() && len(r.g.order) > 0 {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, grp := range r.g.order {
			f, _ := grp.keys[0].Num()
			lo, hi = min(lo, f), max(hi, f)
		}
		span = timeSpan(hi-lo, r.c.Bins)
	}
	for _, grp := range r.g.sorted() {
		r.g.fill(grp)
		row := grp.keys[0]
		if f, ok := row.Num(); ok && r.c.Time {
			row = vector.Float(spl.Epoch(span.floor(spl.FromEpoch(f).In(r.env.Zone))))
		}
		col := ""
		if r.c.Col != "" {
			col = grp.keys[1].Text()
		}
		g.put(row, col, grp.aggs)
	}
	columns := g.columns()
	g.order()
	if r.c.Time && r.c.Continuous {
		g.fillTime(span)
	}
	return spl.Rows(g.table(columns, span)), nil
}

// put adds aggregates to a cell.
func (g *grid) put(row vector.Value, col string, aggs []spl.Aggregate) {
	key := row.Text()
	cells := g.cells[key]
	if cells == nil {
		cells = map[string][]spl.Aggregate{}
		g.cells[key] = cells
		g.rows = append(g.rows, row)
	}
	if cells[col] == nil {
		cells[col] = aggs
		return
	}
	for i, a := range cells[col] {
		a.Merge(aggs[i])
	}
}

func (g *grid) order() {
	slices.SortFunc(g.rows, func(a, b vector.Value) int {
		if x, ok := lowEnd(a); ok {
			if y, ok := lowEnd(b); ok {
				return cmp.Compare(x, y)
			}
		}
		return spl.CompareAuto(a, b)
	})
}

// lowEnd reads a number, or the low end of a bucket's label.
func lowEnd(v vector.Value) (float64, bool) {
	if f, ok := v.Num(); ok {
		return f, true
	}
	s := v.Text()
	if i := strings.IndexByte(s[min(1, len(s)):], '-'); i >= 0 {
		return vector.ParseNumber(s[:i+1])
	}
	return 0, false
}

// columns chooses the columns, and moves what is beyond the limit to OTHER.
func (g *grid) columns() []string {
	if g.c.Col == "" {
		return []string{""}
	}
	scores := map[string][]float64{}
	for _, cells := range g.cells {
		for col, aggs := range cells {
			f, ok := aggs[0].Result().Num()
			if !ok {
				f = 0
			}
			scores[col] = append(scores[col], f)
		}
	}
	_, hasNull := scores[chartNil]
	delete(scores, chartNil)
	var all []string
	for col := range scores {
		all = append(all, col)
	}
	slices.Sort(all)
	kept := g.keep(all, scores)
	if len(kept) < len(all) {
		g.moveToOther(kept)
		if g.c.UseOther {
			kept = append(kept, g.c.Other)
		}
	}
	if hasNull && g.c.UseNull {
		kept = append(kept, chartNil)
	}
	return kept
}

// keep returns the columns that stay, in alphabetical order.
func (g *grid) keep(all []string, scores map[string][]float64) []string {
	test := g.c.Keep
	if test == nil {
		if g.c.Limit == 0 || len(all) <= g.c.Limit {
			return all
		}
		test = &seriesTest{Agg: "sum", Op: "in", N: float64(g.c.Limit), Bottom: g.c.Bottom}
	}
	score := func(col string) float64 { return summary(test.Agg, scores[col]) }
	var kept []string
	switch test.Op {
	case "<", ">":
		for _, col := range all {
			if s := score(col); test.Op == "<" && s < test.N || test.Op == ">" && s > test.N {
				kept = append(kept, col)
			}
		}
		return kept
	}
	ranked := slices.Clone(all)
	slices.SortStableFunc(ranked, func(a, b string) int {
		if test.Bottom {
			a, b = b, a
			if score(a) == score(b) {
				return 0
			}
		}
		return cmp.Compare(score(b), score(a))
	})
	n := min(len(ranked), int(test.N))
	chosen := ranked[:n]
	if test.Op == "notin" {
		chosen = ranked[n:]
	}
	chosen = slices.Clone(chosen)
	slices.Sort(chosen)
	return chosen
}

func summary(agg string, vals []float64) float64 {
	total, hi, lo := 0.0, math.Inf(-1), math.Inf(1)
	for _, v := range vals {
		total += v
		hi, lo = max(hi, v), min(lo, v)
	}
	switch agg {
	case "max":
		return hi
	case "min":
		return lo
	case "avg", "mean":
		return total / float64(len(vals))
	case "count":
		return float64(len(vals))
	}
	return total
}

func (g *grid) moveToOther(kept []string) {
	for _, cells := range g.cells {
		var rest []string
		for col := range cells {
			if col != chartNil && !slices.Contains(kept, col) {
				rest = append(rest, col)
			}
		}
		slices.Sort(rest)
		var other []spl.Aggregate
		for _, col := range rest {
			if other == nil {
				other = cells[col]
			} else {
				for i, a := range other {
					a.Merge(cells[col][i])
				}
			}
			delete(cells, col)
		}
		if other != nil {
			cells[g.c.Other] = other
		}
	}
}

// fillTime adds the buckets in which nothing happened.
func (g *grid) fillTime(span *Span) {
	if len(g.rows) == 0 {
		return
	}
	at := func(v vector.Value) float64 { f, _ := v.Num(); return f }
	first, last := at(g.rows[0]), at(g.rows[len(g.rows)-1])
	if g.c.FixedRange && !g.env.Earliest.IsZero() {
		first = min(first, spl.Epoch(span.floor(g.env.Earliest.In(g.env.Zone))))
	}
	if g.c.FixedRange && !g.env.Latest.IsZero() {
		// The end of the range is not part of it.
		last = max(last, spl.Epoch(span.floor(spl.FromEpoch(spl.Epoch(g.env.Latest)-1e-6).In(g.env.Zone))))
	}
	var rows []vector.Value
	for t := spl.FromEpoch(first).In(g.env.Zone); spl.Epoch(t) <= last; t = span.next(t) {
		if len(rows) == maxBuckets {
			g.env.Warn("timechart filled in no more than %d buckets; choose a longer span", maxBuckets)
			return
		}
		rows = append(rows, vector.Float(spl.Epoch(t)))
	}
	g.rows = rows
}

func (g *grid) table(columns []string, span *Span) *vector.Batch {
	type field struct {
		name, col string
		agg       int
	}
	var fields []field
	for n, a := range g.c.Aggs {
		for _, col := range columns {
			name := col
			switch {
			case col == chartNil:
				name = g.c.Null
			case strings.HasPrefix(col, "_"):
				name = "VALUE" + col
			}
			switch {
			case g.c.Col == "":
				name = a.Name()
			case len(g.c.Aggs) > 1:
				name = a.Name() + g.c.Sep + name
			}
			fields = append(fields, field{name, col, n})
		}
	}
	names := []string{g.c.Row}
	for _, f := range fields {
		names = append(names, f.name)
	}
	b := vector.NewBuilder(names...)
	for _, row := range g.rows {
		b.Add()
		b.SetAt(0, row)
		cells := g.cells[row.Text()]
		for _, f := range fields {
			a := g.c.Aggs[f.agg]
			v := vector.Value{}
			if aggs := cells[f.col]; aggs != nil {
				v = scaled(aggs[f.agg].Result(), a.Def.Name, span)
			} else if a.Def.Name == "count" {
				v = vector.Int(0)
			}
			b.Set(f.name, v)
		}
	}
	return b.Batch()
}

// scaled turns the sum of per_hour and its kin into a rate of the bucket.
func scaled(v vector.Value, name string, span *Span) vector.Value {
	unit, ok := map[string]float64{"per_second": 1, "per_minute": 60, "per_hour": 3600, "per_day": 86400}[name]
	f, isNum := v.Num()
	if !ok || !isNum || span == nil {
		return v
	}
	return vector.Float(f * unit / span.seconds())
}
