package op

import (
	"slices"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// Condensable reports whether aggregates need only know how often each value is
// there. Those of eval(…) are left out, as an expression may be random().
func Condensable(aggs []*Aggregation, env *exec.Env) bool {
	return !slices.ContainsFunc(aggs, func(a *Aggregation) bool {
		if a.Expr != nil || a.Wild() {
			return true
		}
		_, ok := a.make(env).(exec.Repeater)
		return !ok
	})
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
func (g *Grouper) give(a exec.Aggregate, v vector.Value, i int, at float64) {
	if g.weights == nil {
		a.Update(v, at)
		return
	}
	a.(exec.Repeater).Repeat(v, g.weights[i])
}
