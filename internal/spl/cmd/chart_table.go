package cmd

import (
	"cmp"
	"context"
	"maps"
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
	progs []*spl.Program                        // of the values
	cells map[string]map[string][]spl.Aggregate // by row, by column
}

// maxBuckets bounds how many empty buckets a timechart fills in.
const maxBuckets = 100000

// Results implements spl.Reducer.
func (r *chart) Results(context.Context) (spl.Operator, error) {
	defer r.g.release()
	g := &grid{c: r.c, env: r.env, progs: r.progs, cells: map[string]map[string][]spl.Aggregate{}}
	groups := r.g.sorted()
	span := r.finalSpan(groups)
	bucket := bucketer{span: span, zone: r.env.Zone}
	for _, grp := range groups {
		r.g.fill(grp)
		row := grp.keys[0]
		if f, ok := row.Num(); ok && !r.chosen && span != nil {
			if r.c.Time {
				row = vector.Float(bucket.start(f))
			} else {
				row = span.label(f)
			}
		}
		col := ""
		if r.c.Col != "" {
			col = grp.keys[1].Text()
		}
		g.put(row, col, grp.aggs)
	}
	g.joinSpecial()
	columns := g.columns()
	g.order()
	if r.c.Time {
		if r.c.Continuous {
			g.fillTime(span)
		}
		if !r.c.Partial {
			g.dropPartial(span)
		}
	}
	return spl.Rows(g.table(columns, span)), nil
}

// finalSpan returns the span of the result, nil for none.
func (r *chart) finalSpan(groups []*group) *Span {
	if r.chosen {
		return r.span
	}
	lo, hi := r.c.Start, r.c.End
	for _, grp := range groups {
		if f, ok := grp.keys[0].Num(); ok {
			if !(f >= lo) {
				lo = f
			}
			if !(f <= hi) {
				hi = f
			}
		}
	}
	if r.c.Time {
		return r.c.timeSpan(max(0, hi-lo), r.env)
	}
	bins := r.c.Bins
	if bins == 0 {
		bins = 300
	}
	return atLeast(niceSpan(hi-lo, bins), r.c.MinSpan)
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
	add(cells, col, aggs)
}

func add(cells map[string][]spl.Aggregate, col string, aggs []spl.Aggregate) {
	if cells[col] == nil {
		cells[col] = aggs
		return
	}
	for i, a := range cells[col] {
		a.Merge(aggs[i])
	}
}

// joinSpecial puts events whose value is the very word for missing ones to
// those, so that there are no two columns of the same name.
func (g *grid) joinSpecial() {
	if g.c.Col == "" || !g.c.UseNull {
		return
	}
	for _, cells := range g.cells {
		if aggs := cells[g.c.Null]; aggs != nil {
			delete(cells, g.c.Null)
			add(cells, chartNil, aggs)
		}
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
			v := g.value(0, aggs, 0)
			f, ok := v.Num()
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
		kept = slices.DeleteFunc(kept, func(col string) bool { return col == g.c.Other })
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
		test = &seriesTest{Agg: g.c.Score, Op: "in", N: float64(g.c.Limit), Bottom: g.c.Bottom}
	}
	ranks := map[string]float64{}
	for col, vals := range scores {
		ranks[col] = g.summary(test.Agg, vals)
	}
	score := func(col string) float64 { return ranks[col] }
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

// summary is an aggregate of a column's cells, 0 when there is no number.
func (g *grid) summary(name string, vals []float64) float64 {
	def, percent := spl.LookupAggregate(name)
	a := def.New(g.env, percent)
	slices.Sort(vals) // for aggregates that depend on order
	for _, v := range vals {
		a.Update(vector.Float(v), nan)
	}
	f, _ := a.Result().Num()
	return f
}

func (g *grid) moveToOther(kept []string) {
	stays := map[string]bool{chartNil: true}
	for _, col := range kept {
		stays[col] = true
	}
	for _, cells := range g.cells {
		var rest []string
		for col := range cells {
			if !stays[col] {
				rest = append(rest, col)
			}
		}
		slices.Sort(rest)
		other := map[string][]spl.Aggregate{}
		for _, col := range rest {
			add(other, g.c.Other, cells[col])
			delete(cells, col)
		}
		maps.Copy(cells, other)
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

// dropPartial leaves out the first and the last bucket when the range of the
// search covers them only in part.
func (g *grid) dropPartial(span *Span) {
	if n := len(g.rows); n > 0 && !g.env.Earliest.IsZero() {
		if f, _ := g.rows[0].Num(); f < spl.Epoch(g.env.Earliest) {
			g.rows = g.rows[1:]
		}
	}
	if n := len(g.rows); n > 0 && !g.env.Latest.IsZero() {
		f, _ := g.rows[n-1].Num()
		if spl.Epoch(span.next(spl.FromEpoch(f).In(g.env.Zone))) > spl.Epoch(g.env.Latest) {
			g.rows = g.rows[:n-1]
		}
	}
}

// title returns the name of a column.
func (g *grid) title(value, col string) string {
	if g.c.Col == "" {
		return value
	}
	name := col
	switch {
	case col == chartNil:
		name = g.c.Null
	case strings.HasPrefix(col, "_"):
		name = "VALUE" + col
	}
	switch {
	case len(g.c.Values) == 1:
		return name
	case g.c.Format != "":
		return strings.NewReplacer("$AGG$", value, "$VAL$", name, "$VALUE$", name).Replace(g.c.Format)
	}
	return value + g.c.Sep + name
}

func (g *grid) table(columns []string, span *Span) *vector.Batch {
	type field struct {
		name, col string
		value     int
	}
	var fields []field
	names := []string{g.c.Row}
	for n, v := range g.c.Values {
		for _, col := range columns {
			name := g.title(v.Name, col)
			fields = append(fields, field{name, col, n})
			names = append(names, name)
		}
	}
	b := vector.NewBuilder(names...)
	for _, row := range g.rows {
		b.Add()
		b.SetAt(0, row)
		width := 0.0
		if g.c.Time {
			at, _ := row.Num()
			width = spl.Epoch(span.next(spl.FromEpoch(at).In(g.env.Zone))) - at
		}
		cells := g.cells[row.Text()]
		for _, f := range fields {
			b.Set(f.name, g.value(f.value, cells[f.col], width))
		}
	}
	return b.Batch()
}

// perSeconds are the aggregates that are rates, in seconds.
var perSeconds = map[string]float64{"per_second": 1, "per_minute": 60, "per_hour": 3600, "per_day": 86400}

// scaled turns the sum of per_hour and its kin into a rate of a bucket of so
// many seconds, 0 = no bucket of time.
func scaled(v vector.Value, name string, width float64) vector.Value {
	f, ok := v.Num()
	if unit := perSeconds[name]; ok && unit > 0 && width > 0 {
		return vector.Float(f * unit / width)
	}
	return v
}
