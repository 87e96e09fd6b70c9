package agg

import (
	"encoding/binary"
	"math"
	"math/big"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	for _, d := range []struct {
		name, doc, want string
		aliases         []string
		squares         bool
		result          func(m *moments) float64
	}{
		{"sum", "The sum of the numbers; other values are skipped.", `{"r":"19"}`, nil, false, (*moments).total},
		{"avg", "The mean of the numbers.", `{"r":"4.75"}`, []string{"mean"}, false, func(m *moments) float64 { return m.total() / m.n }},
		{"sumsq", "The sum of the squares of the numbers.", `{"r":"117"}`, nil, true, func(m *moments) float64 { s, _ := m.squares.value(); return s }},
		{"stdev", "The sample standard deviation (n-1); 0 for a single number.", `{"r":"2.9860788111948193"}`, nil, true, func(m *moments) float64 { return math.Sqrt(m.variance(1)) }},
		{"stdevp", "The population standard deviation (n).", `{"r":"2.5860201081971503"}`, nil, true, func(m *moments) float64 { return math.Sqrt(m.variance(0)) }},
		{"var", "The sample variance (n-1); 0 for a single number.", `{"r":"8.916666666666666"}`, nil, true, func(m *moments) float64 { return m.variance(1) }},
		{"varp", "The population variance (n).", `{"r":"6.6875"}`, nil, true, func(m *moments) float64 { return m.variance(0) }},
		{"per_second", "In a timechart, the bucket's sum divided by its length in seconds; elsewhere the sum.", `{"r":"19"}`, nil, false, (*moments).total},
		{"per_minute", "In a timechart, the bucket's sum divided by its length in minutes; elsewhere the sum.", `{"r":"19"}`, nil, false, (*moments).total},
		{"per_hour", "In a timechart, the bucket's sum divided by its length in hours; elsewhere the sum.", `{"r":"19"}`, nil, false, (*moments).total},
		{"per_day", "In a timechart, the bucket's sum divided by its length in days; elsewhere the sum.", `{"r":"19"}`, nil, false, (*moments).total},
	} {
		exec.RegisterAggregate(&syntax.AggregateDef{
			Name: d.name, Aliases: d.aliases, Syntax: d.name + "(<field>)", Doc: d.doc, Numeric: true, Examples: example(d.name+"(x)", d.want),
		}, func(env *exec.Env, _ float64) exec.Aggregate {
			return &moments{env: env, squared: d.squares, result: d.result}
		})
	}
}

// moments keeps what sums, means and variances are made of.
type moments struct {
	env     *exec.Env
	n       float64
	sum     exactSum
	squares exactSum // only when squared
	squared bool
	result  func(*moments) float64
}

func (m *moments) Update(v vector.Value, _ float64) {
	if v.Kind() != vector.List {
		if f, ok := v.Num(); ok {
			m.add(f)
		}
		return
	}
	var every exec.Every
	for _, s := range v.All() {
		every.Poll(m.env, 1024)
		if f, ok := vector.ParseNumber(s); ok {
			m.add(f)
		}
	}
}

func (m *moments) add(f float64) {
	m.n++
	m.sum.add(f)
	if m.squared {
		square := f * f
		m.squares.add(square)
		if rest := math.FMA(f, f, -square); rest-rest == 0 {
			m.squares.add(rest)
		}
	}
}

func (m *moments) Merge(other exec.Aggregate) {
	o := other.(*moments)
	m.n += o.n
	m.sum.merge(&o.sum)
	m.squares.merge(&o.squares)
}

// Marshal implements exec.Aggregate.
func (m *moments) Marshal(dst []byte) []byte {
	dst = binary.AppendUvarint(append(dst, exec.StateMoments), uint64(m.n))
	dst = m.sum.marshal(dst)
	if m.squared {
		dst = m.squares.marshal(dst)
	}
	return dst
}

// Unmarshal implements exec.Aggregate.
func (m *moments) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateMoments)
	m.n = float64(d.Count(1 << 53))
	m.sum.unmarshal(d)
	if m.squared {
		m.squares.unmarshal(d)
	}
	return exec.StateRead(d)
}

func (m *moments) total() float64 { s, _ := m.sum.value(); return s }

// variance returns (Σx² - (Σx)²/n) / (n-less), computed with so many bits that
// the subtraction loses nothing that matters to large means.
func (m *moments) variance(less float64) float64 {
	if m.n <= less {
		return 0
	}
	sum, sumRest := m.sum.value()
	squares, squaresRest := m.squares.value()
	if sum-sum != 0 || squares-squares != 0 {
		return math.NaN()
	}
	s, q, n := wide(sum, sumRest), wide(squares, squaresRest), wide(m.n, 0)
	s.Mul(s, s)
	q.Sub(q.Mul(q, n), s)
	if q.Sign() <= 0 {
		return 0
	}
	v, _ := q.Quo(q, wide(m.n*(m.n-less), 0)).Float64()
	return v
}

func wide(f, rest float64) *big.Float {
	w := new(big.Float).SetPrec(320).SetFloat64(f)
	return w.Add(w, big.NewFloat(rest))
}

func (m *moments) Result() vector.Value {
	if m.n == 0 {
		return vector.Value{}
	}
	return vector.Float(m.result(m))
}

func (m *moments) Size() int { return 0 }
