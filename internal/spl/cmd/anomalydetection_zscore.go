package cmd

import (
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// normal holds the statistics of a field that decide which of its values are
// improbable.
type normal struct {
	*shares
	numbers     bool
	mean, stdev float64
	found       int
}

func normalOf(env *exec.Env, rows []*vector.Batch, name string) *normal {
	n := &normal{shares: &shares{name: name, counts: map[string]int{}}, numbers: true}
	var sum, squares float64
	op.EachValue(env, rows, name, func(v vector.Value) {
		n.rows++
		n.counts[v.Text()]++
		f, ok := v.Num()
		n.numbers = n.numbers && ok
		sum += f
	})
	n.mean = sum / float64(n.rows)
	if !n.numbers {
		return n
	}
	op.EachValue(env, rows, name, func(v vector.Value) {
		f, _ := v.Num()
		squares += (f - n.mean) * (f - n.mean)
	})
	if n.rows > 1 {
		n.stdev = math.Sqrt(squares / float64(n.rows-1))
	}
	return n
}

// score returns the probability of a value: for a number, the share of a normal
// distribution that lies further from the mean; for other values, their own
// share.
func (n *normal) score(v vector.Value) float64 {
	if !n.numbers {
		return n.of(v)
	}
	f, _ := v.Num()
	if n.stdev == 0 {
		return 1
	}
	return math.Erfc(math.Abs(f-n.mean) / n.stdev / math.Sqrt2)
}

func (n *normal) column() string {
	if n.numbers {
		return "Anomaly_Score_Num(" + n.name + ")"
	}
	return "Anomaly_Score_Cat(" + n.name + ")"
}

func (c *Anomalydetection) byScore(env *exec.Env, rows []*vector.Batch, names []string) exec.Operator {
	fields := make([]*normal, len(names))
	for i, name := range names {
		fields[i] = normalOf(env, rows, name)
	}
	out := c.marked(env, rows, fields)
	if c.Action != "summary" {
		return exec.Rows(out...)
	}
	b := vector.NewBuilder("fieldname", "count", "distinct_count", "mean", "stdev", "num_anomalies", "anomaly_freq")
	for _, f := range fields {
		if f.rows == 0 {
			continue
		}
		b.Add()
		b.SetAt(0, vector.String(f.name))
		b.SetAt(1, vector.Int(f.rows))
		b.SetAt(2, vector.Int(len(f.counts)))
		if f.numbers {
			b.SetAt(3, vector.Float(f.mean))
			b.SetAt(4, vector.Float(f.stdev))
		}
		b.SetAt(5, vector.Int(f.found))
		b.SetAt(6, vector.Float(float64(f.found)/float64(f.rows)))
	}
	return exec.Rows(b.Batch())
}

// marked returns the rows that remain after the action, with the scores of
// their anomalies.
func (c *Anomalydetection) marked(env *exec.Env, rows []*vector.Batch, fields []*normal) []*vector.Batch {
	least := c.Threshold
	if math.IsNaN(least) {
		least = 0.01
	}
	var out []*vector.Batch
	var every exec.Every
	for _, b := range rows {
		anomaly := make([]bool, b.Len)
		marked := b
		for _, f := range fields {
			vals := make([]vector.Value, b.Len)
			some := false
			for i, v := range op.Present(b, f.name) {
				every.Poll(env, 64)
				if v.IsNull() {
					continue
				}
				if score := f.score(v); score < least {
					vals[i], anomaly[i], some = vector.Float(score), true, true
					f.found++
				}
			}
			if some {
				marked = marked.With(vector.NewColumn(f.column(), vals))
			}
		}
		out = append(out, c.kept(marked, anomaly))
	}
	return out
}
