package cmd

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// geoKeys are the columns with a row's cell. No field has such names.
var geoKeys = []string{"\x00zoom", "\x00y", "\x00x"}

// NewReducer implements exec.Transforming.
func (c *Geostats) NewReducer(env *exec.Env) (exec.Reducer, error) {
	mean, _ := syntax.LookupAggregate("avg")
	aggs := append([]*op.Aggregation{{Def: mean, Call: "avg", Field: c.Lat, As: c.OutLat}, {Def: mean, Call: "avg", Field: c.Long, As: c.OutLong}}, c.Aggs...)
	by := slices.Clone(geoKeys)
	if c.By != "" {
		by = append(by, c.By)
	}
	g, err := op.NewGrouper(env, aggs, by, false, c.Lat, c.Long)
	if err != nil {
		return nil, err
	}
	return &geostats{c, g, env}, nil
}

type geostats struct {
	c   *Geostats
	g   *op.Grouper
	env *exec.Env
}

// Add implements exec.Reducer.
func (r *geostats) Add(ctx context.Context, b *vector.Batch) error {
	if r.c.By != "" && b.Col(r.c.By) == nil {
		return nil
	}
	var rows []int32
	var lats, longs []float64
	lat, long := op.Present(b, r.c.Lat), op.Present(b, r.c.Long)
	pulse := exec.NewPulse(ctx)
	for i := range b.Len {
		pulse.Work(16)
		y, north := lat[i].Num()
		x, east := long[i].Num()
		if north && east && math.Abs(y) <= 90 && math.Abs(x) <= 180 {
			rows, lats, longs = append(rows, int32(i)), append(lats, y), append(longs, x)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	b = b.Pick(rows)
	for zoom := range r.c.MaxZoom + 1 {
		if err := ctx.Err(); err != nil {
			return err
		}
		ys, xs := make([]vector.Value, len(rows)), make([]vector.Value, len(rows))
		for i := range rows {
			ys[i] = vector.Float(cell(lats[i], 90, r.c.SpanLat, zoom))
			xs[i] = vector.Float(cell(longs[i], 180, r.c.SpanLong, zoom))
		}
		placed := b.With(vector.Constant(geoKeys[0], vector.Int(zoom)), vector.NewColumn(geoKeys[1], ys), vector.NewColumn(geoKeys[2], xs))
		if err := r.g.Add(placed); err != nil {
			return err
		}
	}
	return nil
}

// cell numbers the cells from the south and the west. The last cell includes
// its far border.
func cell(at, border, span float64, zoom int) float64 {
	span /= float64(int(1) << zoom)
	return min(math.Floor((at+border)/span), math.Ceil(2*border/span)-1)
}

// Merge implements exec.Reducer.
func (r *geostats) Merge(ctx context.Context, o exec.Reducer) error {
	return r.g.Merge(ctx, o.(*geostats).g)
}

// Close implements exec.Reducer.
func (r *geostats) Close() { r.g.Release() }

// Results implements exec.Reducer.
func (r *geostats) Results(ctx context.Context) (exec.Operator, error) {
	groups, err := r.g.Sorted(ctx)
	if err != nil {
		return nil, err
	}
	kept := r.frequent(groups)
	shown := r.g.SlotOrder()
	names := []string{"geobin", r.c.OutLat, r.c.OutLong}
	columns := []string{""}
	switch {
	case r.c.By != "" && r.c.Tuples:
		names = append(names, r.c.By)
	case r.c.By != "":
		columns = r.columns(kept, groups)
	}
	for _, n := range shown[2:] {
		for _, col := range columns {
			names = append(names, r.column(n, col, len(shown) > 3))
		}
	}
	return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
		out := op.NewEmitter(emit, names)
		for len(groups) > 0 {
			n := 1
			for n < len(groups) && slices.EqualFunc(groups[n].Values()[:3], groups[0].Values()[:3], func(a, b vector.Value) bool { return a.Text() == b.Text() }) {
				n++
			}
			cells := r.cells(groups[:n], kept)
			if r.c.By != "" && r.c.Tuples {
				for _, col := range inOrder(r.env, slices.Collect(maps.Keys(cells))) {
					r.row(out.Builder, groups[0].Values(), map[string][]exec.Aggregate{col: cells[col]}, shown)
					if err := out.Row(ctx); err != nil {
						return err
					}
				}
			} else {
				r.row(out.Builder, groups[0].Values(), cells, shown)
				if err := out.Row(ctx); err != nil {
					return err
				}
			}
			clear(groups[:n])
			groups = groups[n:]
		}
		return out.End()
	}, r.g.Release), nil
}

// cells merges the groups of one map cell by the column they go to.
func (r *geostats) cells(groups []*op.Group, kept map[string]string) map[string][]exec.Aggregate {
	cells := map[string][]exec.Aggregate{}
	for _, grp := range groups {
		col := ""
		if r.c.By != "" {
			col = kept[grp.Key(3).Text()]
		}
		add(cells, col, r.g.Aggregates(grp))
	}
	if r.c.By == "" || r.c.CellLimit == 0 {
		return cells
	}
	scores := map[string]float64{}
	for col, aggs := range cells {
		if col != otherPlace {
			scores[col] = firstScore(aggs)
		}
	}
	for i, col := range ranking(r.env, scores) {
		if i >= r.c.CellLimit {
			add(cells, otherPlace, cells[col])
			delete(cells, col)
		}
	}
	return cells
}

// columns returns the values of BY that become columns.
func (r *geostats) columns(kept map[string]string, groups []*op.Group) []string {
	list := slices.Collect(maps.Values(kept))
	cell := map[string]map[string]bool{} // values by cell
	for _, grp := range groups {
		name := grp.Key(0).Text() + " " + grp.Key(1).Text() + " " + grp.Key(2).Text()
		if cell[name] == nil {
			cell[name] = map[string]bool{}
		}
		cell[name][kept[grp.Key(3).Text()]] = true
		if r.c.CellLimit > 0 && len(cell[name]) > r.c.CellLimit {
			return inOrder(r.env, append(list, otherPlace))
		}
	}
	return inOrder(r.env, list)
}

// otherPlace replaces the values of BY beyond the limits.
const otherPlace = "OTHER"

// inOrder sorts names, removes duplicates and puts OTHER last.
func inOrder(env *exec.Env, names []string) []string {
	exec.Sort(env, names, strings.Compare)
	names = slices.Compact(names)
	if i := slices.Index(names, otherPlace); i >= 0 {
		names = append(slices.Delete(names, i, i+1), otherPlace)
	}
	return names
}

// row adds the row of one map cell.
func (r *geostats) row(out *vector.Builder, keys []vector.Value, cells map[string][]exec.Aggregate, shown []int) {
	out.Add()
	for col, aggs := range cells {
		for _, n := range shown[2:] {
			out.Set(r.column(n, col, len(shown) > 3), aggs[n].Result())
		}
	}
	parts := exec.SortedKeys(r.env, cells)
	if r.c.By != "" && r.c.Tuples {
		out.Set(r.c.By, vector.String(parts[0]))
	}
	place := cells[parts[0]]
	for _, col := range parts[1:] {
		place[0].Merge(cells[col][0])
		place[1].Merge(cells[col][1])
	}
	// Set last, since a value of BY may equal one of these column names.
	out.SetAt(0, vector.String(fmt.Sprintf("bin_id_zl_%s_y_%s_x_%s", keys[0].Text(), keys[1].Text(), keys[2].Text())))
	out.SetAt(1, place[0].Result())
	out.SetAt(2, place[1].Result())
}

// column returns the name of the column for an aggregate and a value of BY.
func (r *geostats) column(slot int, value string, several bool) string {
	switch name := r.g.SlotName(slot); {
	case r.c.By == "" || r.c.Tuples:
		return name
	case several:
		return name + ": " + value
	}
	return value
}

// frequent maps each value of BY to its column. The values with the highest
// sums of the first aggregate get their own; the others share OTHER.
func (r *geostats) frequent(groups []*op.Group) map[string]string {
	if r.c.By == "" {
		return nil
	}
	scores := map[string]float64{}
	for _, grp := range groups {
		if grp.Key(0).Text() != "0" {
			continue // all zoom levels contain the same rows
		}
		scores[grp.Key(3).Text()] += firstScore(r.g.Aggregates(grp))
	}
	kept := map[string]string{}
	for i, value := range ranking(r.env, scores) {
		kept[value] = value
		if r.c.Limit > 0 && i >= r.c.Limit {
			kept[value] = otherPlace
		}
	}
	return kept
}

// firstScore returns the first aggregate of the search, which follows those of
// the position. It returns 0 if there is none, as with a wildcard that matches
// no field.
func firstScore(aggs []exec.Aggregate) float64 {
	if len(aggs) < 3 {
		return 0
	}
	f, _ := aggs[2].Result().Num()
	return f
}

// ranking returns the names by descending score.
func ranking(env *exec.Env, scores map[string]float64) []string {
	names := slices.Collect(maps.Keys(scores))
	exec.Sort(env, names, func(a, b string) int {
		return cmp.Or(cmp.Compare(scores[b], scores[a]), strings.Compare(a, b))
	})
	return names
}
