// Package op holds what commands share: groups and their aggregates, spans of
// time and buckets of numbers, buffers of rows, and helpers on columns.
package op

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/vector"
)

// slot is one column of results: an aggregation, or what one of its wildcards
// stands for.
type slot struct {
	agg   int    // index of the aggregation
	field string // what a wildcard stands for here
	fixed bool   // its size does not grow
}

// What a slot and an aggregate of a group take in memory beside names and values, about.
const (
	slotBytes      = 144
	aggregateBytes = 96
)

// Grouper gathers aggregates by the values of fields. It is what stats and its
// kin share. How rows find their group is in group_keys.go.
type Grouper struct {
	env      *exec.Env
	aggs     []*Aggregation
	by       []string
	split    bool     // a value repeated in one row counts once
	apart    []string // further fields that wildcards do not stand for
	slots    []slot
	expanded []map[string]int // by aggregation: the slot of a wildcard for a field
	fixed    []bool           // by aggregation: its size does not grow
	progs    []*expr.Program  // by aggregation
	order    []*Group
	total    *Group // the only one when there are no by-fields
	Held     *exec.Held
	extent   *extent // of the times that sparklines saw

	keys keyer
	members
	times []float64
	every exec.Every
}

// Group is the rows with the same values of the by-fields.
type Group struct {
	keys  []vector.Value
	aggs  []exec.Aggregate // by slot
	fresh int              // rows of the batch at hand
}

// NewGrouper returns an empty grouper. With split, a value that is repeated in
// one row counts once; wildcards do not stand for the fields apart. The error is
// that of an expression.
func NewGrouper(env *exec.Env, aggs []*Aggregation, by []string, split bool, apart ...string) (*Grouper, error) {
	g := &Grouper{env: env, Held: env.Memory.Hold(), aggs: aggs, by: by, split: split, apart: apart, expanded: make([]map[string]int, len(aggs)), fixed: make([]bool, len(aggs)), progs: make([]*expr.Program, len(aggs))}
	for i, a := range aggs {
		if a.Expr != nil {
			var err error
			if g.progs[i], err = expr.Compile(a.Expr, env); err != nil {
				return nil, err
			}
		}
		probe := a.make(env)
		probe.Update(vector.String("1"), 1)
		g.fixed[i] = probe.Size() == 0
		if !a.Wild() {
			g.slots = append(g.slots, slot{i, a.Field, g.fixed[i]})
		} else {
			g.expanded[i] = map[string]int{}
		}
	}
	g.Clear()
	return g, nil
}

// Key returns the value of a by-field.
func (g *Group) Key(i int) vector.Value { return g.keys[i] }

// Values returns the values of all by-fields; they must not be changed.
func (g *Group) Values() []vector.Value { return g.keys }

// Clear forgets all groups; the slots stay.
func (g *Grouper) Clear() {
	g.Release()
	g.keys, g.members, g.order, g.total = newKeyer(len(g.by)), members{}, nil, nil
	g.extent = &extent{}
	if len(g.by) == 0 {
		g.total = &Group{}
		g.order = append(g.order, g.total)
	}
}

// addWild makes the slot of a wildcard for a field.
func (g *Grouper) addWild(agg int, field string) int {
	at := len(g.slots)
	field = strings.Clone(field)
	g.expanded[agg][field] = at
	g.slots = append(g.slots, slot{agg, field, g.fixed[agg]})
	g.keys.grown += slotBytes + len(field)
	return at
}

// Expand gives wildcards the columns that fit them.
func (g *Grouper) Expand(b *vector.Batch) {
	for i, a := range g.aggs {
		if !a.Wild() {
			continue
		}
		for _, c := range b.Cols {
			g.every.Poll(g.env, 256)
			n := c.Name
			if _, known := g.expanded[i][n]; known || !filter.MatchName(a.Field, n) || Internal(n) || slices.Contains(g.by, n) || slices.Contains(g.apart, n) {
				continue
			}
			g.addWild(i, n)
		}
	}
}

// SlotOrder returns the slots in the order of their columns: as the aggregations
// are written, those of a wildcard by name.
func (g *Grouper) SlotOrder() []int {
	order := make([]int, len(g.slots))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(x, y int) int {
		a, b := g.slots[x], g.slots[y]
		return cmp.Or(cmp.Compare(a.agg, b.agg), strings.Compare(a.field, b.field))
	})
	return order
}

// Add takes the rows of a batch in.
func (g *Grouper) Add(b *vector.Batch) error {
	g.Expand(b)
	g.weights = weightsOf(b, g.weights)
	over := g.Assign(b)
	if over != nil && !exec.EndsEarly(over) {
		return over
	}
	for _, grp := range g.touched { // also the last ones that memory had room for
		g.fill(grp)
	}
	if err := g.account(); err != nil {
		if over = err; !exec.EndsEarly(over) {
			return over
		}
	}
	times := g.timesOf(b)
	for n := range g.slots {
		s := &g.slots[n]
		a := g.aggs[s.agg]
		var col *vector.Column
		if s.field != "" && a.Expr == nil {
			if col = b.Col(s.field); col == nil {
				continue
			}
		}
		var err error
		switch {
		case a.Expr == nil && s.field == "" && g.counts(n):
		case s.fixed:
			g.updateFixed(n, b, col, times)
		default:
			err = g.updateGrowing(n, b, col, times)
		}
		if err != nil {
			return err
		}
	}
	return over
}

// timesOf returns _time of every row, nil when no aggregate asks for it.
func (g *Grouper) timesOf(b *vector.Batch) []float64 {
	if !slices.ContainsFunc(g.aggs, func(a *Aggregation) bool { return a.needTime() }) {
		return nil
	}
	col := b.Col("_time")
	g.times = slices.Grow(g.times[:0], b.Len)[:b.Len]
	for i := range g.times {
		g.times[i] = NaN
		if col != nil {
			if f, ok := col.At(i).Num(); ok {
				g.times[i] = f
			}
		}
	}
	return g.times
}

// counts gives a slot that has no field, such as count, how many rows each
// group got; false when its aggregate must see every row.
func (g *Grouper) counts(n int) bool {
	if len(g.touched) == 0 {
		return true
	}
	if _, ok := g.touched[0].aggs[n].(exec.Repeater); !ok {
		return false
	}
	for _, grp := range g.touched {
		grp.aggs[n].(exec.Repeater).Repeat(one, grp.fresh)
	}
	return true
}

// value returns what row i gives to a slot.
func (g *Grouper) value(n int, b *vector.Batch, col *vector.Column, i int) vector.Value {
	if p := g.progs[g.slots[n].agg]; p != nil {
		return p.Value(b, i)
	}
	if col == nil {
		return one
	}
	return col.At(i)
}

func timeAt(times []float64, i int) float64 {
	if times == nil {
		return NaN
	}
	return times[i]
}

func (g *Grouper) updateFixed(n int, b *vector.Batch, col *vector.Column, times []float64) {
	for k, grp := range g.member {
		if grp != nil {
			i := g.row(k)
			g.every.Poll(g.env, 256)
			g.give(grp.aggs[n], g.value(n, b, col, i), i, timeAt(times, i))
		}
	}
}

func (g *Grouper) updateGrowing(n int, b *vector.Batch, col *vector.Column, times []float64) error {
	grown := 0
	for k, grp := range g.member {
		if grp == nil {
			continue
		}
		i := g.row(k)
		g.every.Poll(g.env, 64)
		a := grp.aggs[n]
		grown -= a.Size()
		g.give(a, g.value(n, b, col, i), i, timeAt(times, i))
		grown += a.Size()
	}
	if grown == 0 {
		return nil
	}
	return g.Held.Add(grown)
}

// RowValues returns what row i gives to each slot.
func (g *Grouper) RowValues(b *vector.Batch, i int) []vector.Value {
	vals := make([]vector.Value, len(g.slots))
	for n, s := range g.slots {
		if s.field == "" || g.progs[s.agg] != nil {
			vals[n] = g.value(n, b, nil, i)
		} else if col := b.Col(s.field); col != nil {
			vals[n] = col.At(i)
		}
	}
	return vals
}

// Take gives the values of a row to a group, which need not be one of g's.
func (g *Grouper) Take(grp *Group, vals []vector.Value, at float64) error {
	g.fill(grp)
	grown := 0
	for n, v := range vals {
		a := grp.aggs[n]
		grown -= a.Size()
		a.Update(v, at)
		grown += a.Size()
	}
	return g.Held.Add(grown)
}

// Aggregates returns the aggregates of a group, by slot.
func (g *Grouper) Aggregates(grp *Group) []exec.Aggregate {
	g.fill(grp)
	return grp.aggs
}

// Width returns how many slots there are.
func (g *Grouper) Width() int { return len(g.slots) }

// SlotName returns the name of the column that a slot gives.
func (g *Grouper) SlotName(n int) string {
	s := &g.slots[n]
	a := g.aggs[s.agg]
	if !a.Wild() {
		return a.Name()
	}
	if a.As != "" {
		name, _ := Substitute(a.Field, a.As, s.field)
		return name
	}
	return strings.Replace(a.Call, a.Field, s.field, 1)
}

// SlotAggregation returns the aggregation of a slot, and which one it is.
func (g *Grouper) SlotAggregation(n int) (int, *Aggregation) {
	agg := g.slots[n].agg
	return agg, g.aggs[agg]
}

// GroupOf returns the group of the given values of the by-fields, a new one when
// it is not there yet.
func (g *Grouper) GroupOf(keys []vector.Value) (*Group, error) {
	if g.total != nil {
		return g.total, nil
	}
	return g.group(keys), g.account()
}

// EachMember calls fn for every group that a row of the batch given to assign is
// in.
func (g *Grouper) EachMember(fn func(row int, grp *Group) error) error {
	for k, grp := range g.member {
		if grp == nil {
			continue
		}
		if err := fn(g.row(k), grp); err != nil {
			return err
		}
	}
	return nil
}

// fill makes the aggregates of a group, also those of slots that came later.
func (g *Grouper) fill(grp *Group) {
	for n := len(grp.aggs); n < len(g.slots); n++ {
		g.every.Poll(g.env, 256)
		grp.aggs = append(grp.aggs, g.empty(n))
		g.keys.grown += aggregateBytes
	}
}

// empty returns an empty aggregate of a slot.
func (g *Grouper) empty(n int) exec.Aggregate {
	a := g.aggs[g.slots[n].agg].make(g.env)
	if s, ok := a.(*sparkline); ok {
		s.extent = g.extent // the lines of all groups are over the same buckets
	}
	return a
}

// places returns the slots of g that those of another grouper of the same list are,
// and adds those that g does not have.
func (g *Grouper) places(o *Grouper) []int {
	place := make([]int, len(o.slots))
	for i, s := range o.slots {
		if !g.aggs[s.agg].Wild() { // these come first, in the order of the list
			place[i] = i
			continue
		}
		at, known := g.expanded[s.agg][s.field]
		if !known {
			at = g.addWild(s.agg, s.field)
		}
		place[i] = at
	}
	return place
}

// Merge takes over what another grouper of the same list gathered, which lets go of
// its groups as they are merged and is empty afterwards.
func (g *Grouper) Merge(ctx context.Context, o *Grouper) error {
	place := g.places(o)
	o.keys = keyer{}
	each := o.Held.Size() / max(1, len(o.order))
	for n, from := range o.order {
		if err := ctx.Err(); err != nil {
			return err
		}
		o.order[n] = nil
		grp := g.total
		if grp == nil {
			grp = g.group(from.keys)
		}
		g.fill(grp)
		grown := 0
		for i, a := range from.aggs {
			g.every.Poll(g.env, 64)
			to := grp.aggs[place[i]]
			grown -= to.Size()
			to.Merge(a)
			grown += to.Size()
			from.aggs[i] = nil
		}
		o.Held.Add(-each)
		if err := cmp.Or(g.Held.Add(grown), g.account()); err != nil {
			return err
		}
	}
	o.Release()
	return nil
}

// Columns returns the names of the result: by-fields, then aggregates.
func (g *Grouper) Columns(shown []int) []string {
	names := slices.Clone(g.by)
	for _, n := range shown {
		names = append(names, g.SlotName(n))
	}
	return names
}

// Results returns the values of a group in the order of shown.
func (g *Grouper) Results(grp *Group, shown []int) []vector.Value {
	g.fill(grp)
	vals := make([]vector.Value, len(shown))
	for i, n := range shown {
		g.every.Poll(g.env, 64)
		vals[i] = grp.aggs[n].Result()
	}
	return vals
}

// Finish is Results for a group that is of no use afterwards: it lets go of each
// aggregate once its result is made.
func (g *Grouper) Finish(grp *Group, shown []int) []vector.Value {
	g.fill(grp)
	vals := make([]vector.Value, len(shown))
	for i, n := range shown {
		g.every.Poll(g.env, 64)
		a := grp.aggs[n]
		vals[i] = a.Result()
		grp.aggs[n] = nil
		g.Held.Add(-min(g.Held.Size(), a.Size()+aggregateBytes-16)) // its place stays
	}
	return vals
}

// Release gives the memory back to the budget.
func (g *Grouper) Release() {
	g.Held.Release()
	g.keys, g.members, g.order = keyer{}, members{}, nil
}

// NaN is the time of a row that has none.
var NaN = math.NaN()

var one = vector.Int(1)
