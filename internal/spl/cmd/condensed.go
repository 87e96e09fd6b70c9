package cmd

import (
	"slices"
	"time"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

var (
	_ exec.Condensing = (*Stats)(nil)
	_ exec.Condensing = (*Top)(nil)
	_ exec.Condensing = (*Chart)(nil)
)

// condensable reports whether aggregates need only know how often each value is
// there. Those of eval(…) are left out, as an expression may be random().
func condensable(aggs []*Aggregation, env *exec.Env) bool {
	return !slices.ContainsFunc(aggs, func(a *Aggregation) bool {
		if a.Expr != nil || a.wild() {
			return true
		}
		_, ok := a.make(env).(exec.Repeater)
		return !ok
	})
}

// Condenses implements exec.Condensing.
func (c *Stats) Condenses(env *exec.Env) (time.Duration, bool) {
	return 0, c.Span == nil && condensable(c.Aggs, env)
}

// Condenses implements exec.Condensing.
func (c *Top) Condenses(*exec.Env) (time.Duration, bool) { return 0, true }

// Condenses implements exec.Condensing. In UTC the buckets of hours and longer
// begin at full hours; elsewhere they, and those of minutes, at full minutes.
func (c *Chart) Condenses(env *exec.Env) (time.Duration, bool) {
	if !condensable(c.Aggs, env) {
		return 0, false
	}
	timed := c.Col == "_time" || slices.ContainsFunc(c.Aggs, func(a *Aggregation) bool { return a.Field == "_time" })
	if !c.Time || timed || c.RowBins.Align != "" {
		return 0, true
	}
	row := c.rowAxis(env)
	if !row.chosen || row.span.Align != 0 {
		return 0, true
	}
	_, offset := env.Now.In(env.Zone).Zone()
	switch whole := offset%60 == 0; {
	case slices.Contains([]string{"h", "d", "w", "mon", "q", "y"}, row.span.Unit) && env.Zone == time.UTC:
		return time.Hour, true
	case slices.Contains([]string{"m", "h", "d", "w", "mon", "q", "y"}, row.span.Unit) && whole:
		return time.Minute, true
	}
	return 0, true
}

// weightsOf returns how many rows each row of a condensed batch stands for, nil
// for other batches. It uses the space of buf.
func weightsOf(b *vector.Batch, buf []int) []int {
	col := b.Col(vector.Alike)
	if col == nil {
		return nil
	}
	buf = slices.Grow(buf[:0], b.Len)[:b.Len]
	for i := range buf {
		n, _ := col.At(i).Num()
		buf[i] = max(1, int(n))
	}
	return buf
}

// give hands the value of row i to an aggregate, as often as the row counts.
func (g *grouper) give(a exec.Aggregate, v vector.Value, i int, at float64) {
	if g.weights == nil {
		a.Update(v, at)
		return
	}
	a.(exec.Repeater).Repeat(v, g.weights[i])
}
