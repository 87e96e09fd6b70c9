package agg

import (
	"encoding/binary"
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	for _, d := range []struct {
		name, doc, call, want string
		aliases               []string
		named                 bool // the number is part of the name
		upper                 bool
	}{
		{"median", "The middle number; for an even count, the mean of the two middle ones.", "median(x)", `{"r":"4"}`, nil, false, false},
		{"perc", "The nth percentile, such as `perc95(x)`, interpolated between the closest ranks.", "perc25(x)", `{"r":"3.5"}`, []string{"p"}, true, false},
		{"exactperc", "The same as perc, which is exact here.", "exactperc50(x)", `{"r":"4"}`, nil, true, false},
		{"upperperc", "Like perc, but never below the number at the rank itself.", "upperperc25(x)", `{"r":"4"}`, nil, true, true},
	} {
		exec.RegisterAggregate(&syntax.AggregateDef{
			Name: d.name, Aliases: d.aliases, Percent: d.named, Syntax: map[bool]string{true: d.name + "<n>(<field>)", false: d.name + "(<field>)"}[d.named],
			Doc: d.doc, Numeric: true, Examples: example(d.call, d.want),
		}, func(env *exec.Env, p float64) exec.Aggregate {
			if !d.named {
				p = 50
			}
			return &percentile{env: env, p: p, upper: d.upper}
		})
	}
}

// percentile keeps every number: exact, at eight bytes each, which count
// against the search's memory.
type percentile struct {
	env   *exec.Env
	p     float64
	upper bool
	nums  []float64
}

var _ exec.Divisible = (*percentile)(nil)

func (q *percentile) Update(v vector.Value, _ float64) {
	var every exec.Every
	for i := range v.Len() {
		every.Poll(q.env, 1024)
		one := v
		if v.Kind() == vector.List {
			one = vector.String(v.At(i))
		}
		if f, ok := one.Num(); ok && !math.IsNaN(f) {
			q.nums = append(q.nums, f)
		}
	}
}

func (q *percentile) Merge(other exec.Aggregate) {
	q.nums = append(q.nums, other.(*percentile).nums...)
}

// Marshal implements exec.Aggregate.
func (q *percentile) Marshal(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, exec.StateNumbers), uint64(len(q.nums)))
	for _, f := range q.nums {
		dst = vector.AppendFloat(dst, f)
	}
	return dst
}

// Unmarshal implements exec.Aggregate.
func (q *percentile) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateNumbers)
	q.nums = make([]float64, d.Items(8))
	for i := range q.nums {
		if q.nums[i] = d.Float(); math.IsNaN(q.nums[i]) {
			d.Fail()
			break
		}
	}
	return exec.StateRead(d)
}

// Divide implements exec.Divisible.
func (q *percentile) Divide(size int) exec.Aggregate {
	n := min(len(q.nums), size/8+1)
	part := &percentile{p: q.p, upper: q.upper, nums: q.nums[:n:n]}
	q.nums = q.nums[n:]
	return part
}

func (q *percentile) Result() vector.Value {
	if len(q.nums) == 0 {
		return vector.Value{}
	}
	exec.SortNumbers(q.env, q.nums)
	rank := min(max(q.p, 0), 100) * float64(len(q.nums)-1) // in hundredths, which loses no digits of p
	lo := int(rank / 100)
	hi := min(lo+1, len(q.nums)-1)
	frac := (rank - 100*float64(lo)) / 100
	switch {
	case frac == 0:
		return vector.Float(q.nums[lo])
	case q.upper:
		return vector.Float(q.nums[hi])
	}
	return vector.Float(q.nums[lo] + frac*(q.nums[hi]-q.nums[lo]))
}

func (q *percentile) Size() int { return 8 * len(q.nums) }
