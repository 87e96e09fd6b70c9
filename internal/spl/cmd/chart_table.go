package cmd

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// grid is the table of a chart under construction: the aggregates of each cell.
type grid struct {
	c      *Chart
	env    *exec.Env
	span   *op.Span // of the rows, nil = none
	times  bool     // the rows are times
	values []shownValue
	counts int                    // the slot that counts rows, -1 = none
	defs   []*syntax.AggregateDef // by slot
	rows   []vector.Value
	cells  map[string]map[string][]exec.Aggregate // by row, by column
}

// maxBuckets bounds how many empty buckets a chart adds.
const maxBuckets = 100000

// Results implements exec.Reducer.
func (r *chart) Results(ctx context.Context) (exec.Operator, error) {
	if r.g.Full {
		return r.spilled(ctx)
	}
	groups, err := r.g.Sorted(ctx)
	if err != nil {
		return nil, err
	}
	r.row.settle(groups, 0)
	if r.col != nil {
		r.col.settle(groups, 1)
	}
	g := r.grid()
	if err := r.g.Held.Add(256 * len(groups)); err != nil && !exec.EndsEarly(err) { // the cells
		return nil, err
	}
	pulse := exec.NewPulse(ctx)
	for _, grp := range groups {
		if err := pulse.Err(); err != nil {
			return nil, err
		}
		col := ""
		if r.col != nil {
			col = r.col.relabel(grp.Key(1)).Text()
		}
		g.put(r.row.relabel(grp.Key(0)), col, r.g.Aggregates(grp))
	}
	if r.c.Row == "" && len(groups) == 0 {
		g.put(vector.String(""), "", r.g.Aggregates(&op.Group{}))
	}
	g.joinSpecial()
	columns := g.columns()
	if err := g.order(ctx); err != nil {
		return nil, err
	}
	if r.c.Continuous && g.span != nil {
		g.fillGaps()
	}
	if r.c.Time && !r.c.Partial {
		g.dropPartial()
	}
	return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
		return g.table(ctx, columns, emit)
	}, r.g.Close), nil
}

func (r *chart) grid() *grid {
	g := &grid{c: r.c, env: r.env, span: r.row.span, times: r.row.times, values: r.shownValues(), counts: -1, cells: map[string]map[string][]exec.Aggregate{}}
	for n := range r.g.Width() {
		agg, a := r.g.SlotAggregation(n)
		g.defs = append(g.defs, a.Def)
		if agg == len(r.c.Aggs) {
			g.counts = n
		}
	}
	return g
}

// put adds aggregates to a cell.
func (g *grid) put(row vector.Value, col string, aggs []exec.Aggregate) {
	key := row.Text()
	cells := g.cells[key]
	if cells == nil {
		cells = map[string][]exec.Aggregate{}
		g.cells[key] = cells
		g.rows = append(g.rows, row)
	}
	add(cells, col, aggs)
}

func add(cells map[string][]exec.Aggregate, col string, aggs []exec.Aggregate) {
	if cells[col] == nil {
		cells[col] = aggs
		return
	}
	for i, a := range cells[col] {
		a.Merge(aggs[i])
	}
}

// joinSpecial merges events whose value equals the label for missing values
// with the events that lack the value, so that column names stay unique.
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

func (g *grid) order(ctx context.Context) error {
	type placed struct {
		v   vector.Value
		low float64
		ok  bool
	}
	list := make([]placed, len(g.rows))
	for i, v := range g.rows {
		list[i].v = v
		list[i].low, list[i].ok = lowEnd(v)
	}
	err := exec.SortFunc(ctx, list, func(a, b placed) int {
		if a.ok && b.ok {
			return cmp.Compare(a.low, b.low)
		}
		return vector.CompareAuto(a.v, b.v)
	})
	for i := range list {
		g.env.Poll()
		g.rows[i] = list[i].v
	}
	return err
}

// lowEnd returns a number, or the low end of a bucket label.
func lowEnd(v vector.Value) (float64, bool) {
	if f, ok := v.Num(); ok {
		return f, true
	}
	s := v.Text()
	i := strings.IndexByte(s[min(1, len(s)):], '-') + 1
	if i == 0 {
		return 0, false
	}
	lo, lok := vector.ParseNumber(s[:i])
	hi, hok := vector.ParseNumber(s[i+1:])
	return lo, lok && hok && lo < hi
}

// columns chooses the columns and merges those beyond the limit into OTHER.
func (g *grid) columns() []string {
	if g.c.Col == "" {
		return []string{""}
	}
	scores := map[string][]float64{}
	for _, cells := range g.cells {
		for col, aggs := range cells {
			scores[col] = append(scores[col], g.score(aggs))
		}
	}
	columns, stays := g.choose(scores)
	if stays != nil {
		g.moveToOther(stays)
	}
	return columns
}

// choose selects the columns by the scores of their cells. It also returns the
// columns that do not move to OTHER, nil = all.
func (g *grid) choose(scores map[string][]float64) (columns []string, stays map[string]bool) {
	_, hasNull := scores[chartNil]
	delete(scores, chartNil)
	var all []string
	for col := range scores {
		all = append(all, col)
	}
	exec.Sort(g.env, all, strings.Compare)
	kept := g.keep(all, scores)
	if len(kept) < len(all) {
		kept = slices.DeleteFunc(kept, func(col string) bool { return col == g.c.Other })
		stays = map[string]bool{chartNil: true}
		for _, col := range kept {
			stays[col] = true
		}
		if g.c.UseOther {
			kept = append(kept, g.c.Other)
		}
	}
	if hasNull && g.c.UseNull {
		kept = append(kept, chartNil)
	}
	return kept, stays
}

// score returns the weight of a cell for ranking columns: the value it shows,
// or its number of rows if it shows several values.
func (g *grid) score(aggs []exec.Aggregate) float64 {
	v := vector.Value{}
	switch {
	case g.rankByCount():
		v = aggs[g.counts].Result()
	case len(g.values) > 0:
		v = g.value(g.values[0], aggs, 0)
	}
	f, _ := v.Num()
	return f
}

func (g *grid) rankByCount() bool {
	return g.counts >= 0 && len(g.values) > 1 && g.c.Keep == nil && g.c.Score == ""
}

// keep returns the remaining columns in alphabetical order.
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
	if test.Op != "in" && test.Op != "notin" {
		for _, col := range all {
			if test.passes(score(col)) {
				kept = append(kept, col)
			}
		}
		return kept
	}
	ranked := slices.Clone(all)
	exec.SortStable(g.env, ranked, func(a, b string) int {
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
	exec.Sort(g.env, chosen, strings.Compare)
	return chosen
}

// summary aggregates the cells of a column. It returns 0 if there are no
// numbers.
func (g *grid) summary(name string, vals []float64) float64 {
	if name == "" {
		name = "sum"
	}
	def, percent := syntax.LookupAggregate(name)
	a := exec.NewAggregate(def, g.env, percent)
	exec.Sort(g.env, vals, cmp.Compare) // for aggregates that depend on order
	for _, v := range vals {
		a.Update(vector.Float(v), op.NaN)
	}
	f, _ := a.Result().Num()
	return f
}

func (g *grid) moveToOther(stays map[string]bool) {
	for _, cells := range g.cells {
		var rest []string
		for col := range cells {
			if !stays[col] {
				rest = append(rest, col)
			}
		}
		exec.Sort(g.env, rest, strings.Compare)
		other := map[string][]exec.Aggregate{}
		for _, col := range rest {
			add(other, g.c.Other, cells[col])
			delete(cells, col)
		}
		maps.Copy(cells, other)
	}
}

// fillGaps adds empty buckets. It returns false if there are none to add or too
// many.
func (g *grid) fillGaps() bool {
	if g.times {
		return g.fillTimes()
	}
	first, last, n := 0.0, 0.0, 0
	for n < len(g.rows) { // values without a bucket come last
		f, ok := g.bucketed(g.rows[n])
		if !ok {
			break
		}
		k := g.span.Index(f)
		if n == 0 {
			first = k
		}
		last = k
		n++
	}
	if n < 2 {
		return false
	}
	if last-first >= maxBuckets {
		g.warnGaps()
		return false
	}
	var rows []vector.Value
	for k := first; k <= last; k++ {
		rows = append(rows, g.span.Bucket(k))
	}
	g.rows = append(rows, g.rows[n:]...)
	return true
}

// bucketed returns the low end of a row's bucket, false for rows without a
// bucket.
func (g *grid) bucketed(row vector.Value) (float64, bool) {
	f, ok := lowEnd(row)
	return f, ok && f-f == 0 && !(g.span.Unit == "log" && f <= 0)
}

func (g *grid) warnGaps() {
	g.env.Warn("%s added only %d empty buckets, the maximum; choose a longer span", g.c.name(), maxBuckets)
}

func (g *grid) fillTimes() bool {
	if len(g.rows) == 0 {
		return false
	}
	at := func(v vector.Value) (f float64) { f, _ = v.Num(); return f }
	if slices.ContainsFunc(g.rows, func(v vector.Value) bool { _, ok := v.Num(); return !ok }) {
		return false
	}
	first, last := at(g.rows[0]), at(g.rows[len(g.rows)-1])
	if g.c.Time && g.c.FixedRange && !g.env.Earliest.IsZero() {
		first = min(first, splunktime.Epoch(g.span.Floor(g.env.Earliest.In(g.env.Zone))))
	}
	if g.c.Time && g.c.FixedRange && !g.env.Latest.IsZero() {
		// The end of the range is exclusive.
		last = max(last, splunktime.Epoch(g.span.Floor(splunktime.FromEpoch(splunktime.Epoch(g.env.Latest)-1e-6).In(g.env.Zone))))
	}
	var rows []vector.Value
	for t := splunktime.FromEpoch(first).In(g.env.Zone); splunktime.Epoch(t) <= last; t = g.span.Next(t) {
		if len(rows) == maxBuckets {
			g.warnGaps()
			return false
		}
		rows = append(rows, vector.Float(splunktime.Epoch(t)))
	}
	g.rows = rows
	return true
}

// dropPartial removes the first and the last bucket if the time range of the
// search covers them only partly.
func (g *grid) dropPartial() {
	if n := len(g.rows); n > 0 && !g.env.Earliest.IsZero() {
		if f, _ := g.rows[0].Num(); f < splunktime.Epoch(g.env.Earliest) {
			g.rows = g.rows[1:]
		}
	}
	if n := len(g.rows); n > 0 && !g.env.Latest.IsZero() {
		f, _ := g.rows[n-1].Num()
		if splunktime.Epoch(g.span.Next(splunktime.FromEpoch(f).In(g.env.Zone))) > splunktime.Epoch(g.env.Latest) {
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
	case len(g.values) == 1:
		return name
	case g.c.Format != "":
		return strings.NewReplacer("$AGG$", value, "$VAL$", name, "$VALUE$", name).Replace(g.c.Format)
	}
	return value + g.c.Sep + name
}

// table emits the rows, in at least one batch.
func (g *grid) table(ctx context.Context, columns []string, emit func(*vector.Batch) error) error {
	w := g.writer(columns, emit)
	for _, row := range g.rows {
		if err := w.write(ctx, row, g.cells[row.Text()]); err != nil {
			return err
		}
	}
	return w.End()
}

// gridWriter emits the rows of a table.
type gridWriter struct {
	*op.Emitter
	g      *grid
	fields []gridField
}

type gridField struct {
	name, col string
	value     shownValue
}

func (g *grid) writer(columns []string, emit func(*vector.Batch) error) *gridWriter {
	w := &gridWriter{g: g}
	var names []string
	if g.c.Row != "" {
		names = append(names, g.c.Row)
	}
	for _, v := range g.values {
		for _, col := range columns {
			name := g.title(v.name, col)
			w.fields = append(w.fields, gridField{name, col, v})
			names = append(names, name)
		}
	}
	w.Emitter = op.NewEmitter(emit, names)
	return w
}

// write adds a row with its cells, by column.
func (w *gridWriter) write(ctx context.Context, row vector.Value, cells map[string][]exec.Aggregate) error {
	g := w.g
	w.Add()
	width := 0.0
	if g.times && g.span != nil {
		at, _ := row.Num()
		width = splunktime.Epoch(g.span.Next(splunktime.FromEpoch(at).In(g.env.Zone))) - at
	}
	for _, f := range w.fields {
		w.Set(f.name, g.value(f.value, cells[f.col], width))
	}
	if g.c.Row != "" { // set last, since another column may have the same name
		w.SetAt(0, row)
	}
	return w.Row(ctx)
}
