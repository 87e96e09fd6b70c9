package cmd

import (
	"cmp"
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/vector"
)

// shares counts how often each value of a field occurs. Numbers may be
// bucketed.
type shares struct {
	name      string
	low, step float64 // of the buckets; step 0 = count exact values
	counts    map[string]int
	rows      int // rows that have the field
	most      float64
}

// sharesOf counts the values of a field. It uses ceil(sqrt(rows)) buckets if
// every value is a number and there are more distinct values than buckets;
// otherwise it counts exact values.
func sharesOf(env *exec.Env, rows []*vector.Batch, name string) *shares {
	s := &shares{name: name, counts: map[string]int{}}
	low, high, numbers := math.Inf(1), math.Inf(-1), true
	distinct := map[string]bool{}
	op.EachValue(env, rows, name, func(v vector.Value) {
		s.rows++
		distinct[v.Text()] = true
		f, ok := v.Num()
		numbers = numbers && ok
		low, high = min(low, f), max(high, f)
	})
	if bins := math.Ceil(math.Sqrt(float64(s.rows))); numbers && float64(len(distinct)) > bins {
		s.low, s.step = low, (high-low)/bins
	}
	op.EachValue(env, rows, name, func(v vector.Value) { s.counts[s.key(v)]++ })
	for _, n := range s.counts {
		s.most = max(s.most, float64(n)/float64(s.rows))
	}
	return s
}

// key returns the bucket of a value.
func (s *shares) key(v vector.Value) string {
	if f, ok := v.Num(); ok && s.step > 0 {
		return vector.FormatNumber(math.Floor((f - s.low) / s.step))
	}
	return v.Text()
}

func (s *shares) of(v vector.Value) float64 { return float64(s.counts[s.key(v)]) / float64(s.rows) }

// rarity is the probability of a row, with its probable cause.
type rarity struct {
	log   float64
	cause *shares
	share float64
}

func (c *Anomalydetection) byHistogram(env *exec.Env, rows []*vector.Batch, names []string) exec.Operator {
	fields := make([]*shares, len(names))
	for i, name := range names {
		fields[i] = sharesOf(env, rows, name)
	}
	var all []rarity
	var every exec.Every
	for _, b := range rows {
		for i := range b.Len {
			every.Poll(env, 64)
			r := rarity{share: 2}
			for _, f := range fields {
				v := b.At(f.name, i)
				if v.IsNull() {
					continue
				}
				p := f.of(v)
				r.log += math.Log(p)
				if p < r.share {
					r.cause, r.share = f, p
				}
			}
			all = append(all, r)
		}
	}
	least := c.least(env, all)
	if c.Action == "summary" {
		return exec.Rows(summaryOf(all, least))
	}
	var out []*vector.Batch
	for _, b := range rows {
		part := all[:b.Len]
		all = all[b.Len:]
		anomaly := make([]bool, b.Len)
		cols := make([][]vector.Value, 4)
		for k := range cols {
			cols[k] = make([]vector.Value, b.Len)
		}
		for i, r := range part {
			every.Poll(env, 256)
			if anomaly[i] = r.log < least; anomaly[i] {
				cols[0][i] = vector.Float(r.log)
				cols[1][i] = vector.String(r.cause.name)
				cols[2][i] = vector.Float(r.share)
				cols[3][i] = vector.Float(r.cause.most)
			}
		}
		out = append(out, c.kept(b.With(
			vector.NewColumn("log_event_prob", cols[0]), vector.NewColumn("probable_cause", cols[1]),
			vector.NewColumn("probable_cause_freq", cols[2]), vector.NewColumn("max_freq", cols[3]),
		), anomaly))
	}
	return exec.Rows(out...)
}

// least returns the log probability below which a row is an anomaly.
func (c *Anomalydetection) least(env *exec.Env, all []rarity) float64 {
	if !math.IsNaN(c.Threshold) {
		return min(0, math.Log(max(0, c.Threshold)))
	}
	if len(all) == 0 {
		return math.Inf(-1)
	}
	logs := make([]float64, len(all))
	for i, r := range all {
		logs[i] = r.log
	}
	exec.Sort(env, logs, cmp.Compare)
	lower, upper := quantile(logs, 0.25), quantile(logs, 0.75)
	reach := 1.5
	if c.Cutoff {
		reach = 3
	}
	return lower - reach*(upper-lower)
}

func summaryOf(all []rarity, least float64) *vector.Batch {
	n := 0
	for _, r := range all {
		if r.log < least {
			n++
		}
	}
	b := vector.NewBuilder("num_anomalies", "anomaly_freq", "thresh")
	b.Add()
	b.SetAt(0, vector.Int(n))
	if len(all) > 0 {
		b.SetAt(1, vector.Float(float64(n)/float64(len(all))))
		b.SetAt(2, vector.Float(least))
	}
	return b.Batch()
}
