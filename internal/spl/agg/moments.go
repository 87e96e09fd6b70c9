package agg

import (
	"math"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	for _, d := range []struct {
		name, doc, want string
		aliases         []string
		result          func(m *moments) float64
	}{
		{"sum", "The sum of the numbers; other values are passed over.", `{"r":"19"}`, nil, func(m *moments) float64 { return m.sum }},
		{"avg", "The mean of the numbers.", `{"r":"4.75"}`, []string{"mean"}, func(m *moments) float64 { return m.sum / m.n }},
		{"sumsq", "The sum of the squares of the numbers.", `{"r":"117"}`, nil, func(m *moments) float64 { return m.squares }},
		{"stdev", "The standard deviation of a sample (n-1); 0 for a single number.", `{"r":"2.9860788111948193"}`, nil, func(m *moments) float64 { return math.Sqrt(m.variance(1)) }},
		{"stdevp", "The standard deviation of a whole population (n).", `{"r":"2.5860201081971503"}`, nil, func(m *moments) float64 { return math.Sqrt(m.variance(0)) }},
		{"var", "The variance of a sample (n-1); 0 for a single number.", `{"r":"8.916666666666666"}`, nil, func(m *moments) float64 { return m.variance(1) }},
		{"varp", "The variance of a whole population (n).", `{"r":"6.6875"}`, nil, func(m *moments) float64 { return m.variance(0) }},
		{"per_second", "In a timechart the sum for each second of the bucket; elsewhere the sum.", `{"r":"19"}`, nil, func(m *moments) float64 { return m.sum }},
		{"per_minute", "In a timechart the sum for each minute of the bucket; elsewhere the sum.", `{"r":"19"}`, nil, func(m *moments) float64 { return m.sum }},
		{"per_hour", "In a timechart the sum for each hour of the bucket; elsewhere the sum.", `{"r":"19"}`, nil, func(m *moments) float64 { return m.sum }},
		{"per_day", "In a timechart the sum for each day of the bucket; elsewhere the sum.", `{"r":"19"}`, nil, func(m *moments) float64 { return m.sum }},
	} {
		spl.RegisterAggregate(&spl.AggregateDef{
			Name: d.name, Aliases: d.aliases, Syntax: d.name + "(<field>)", Doc: d.doc, Examples: example(d.name+"(x)", d.want),
			New: func(*spl.Env, float64) spl.Aggregate { return &moments{result: d.result} },
		})
	}
}

// moments keeps what sums, means and variances are made of. The deviation is
// kept by Welford's method, which does not lose digits to large means.
type moments struct {
	n, sum, squares float64
	mean, m2        float64
	result          func(*moments) float64
}

func (m *moments) Update(v vector.Value, _ float64) {
	if v.Kind() != vector.List {
		if f, ok := v.Num(); ok {
			m.add(f)
		}
		return
	}
	for _, s := range v.All() {
		if f, ok := vector.ParseNumber(s); ok {
			m.add(f)
		}
	}
}

func (m *moments) add(f float64) {
	m.n++
	m.sum += f
	m.squares += f * f
	d := f - m.mean
	m.mean += d / m.n
	m.m2 += d * (f - m.mean)
}

func (m *moments) Merge(other spl.Aggregate) {
	o := other.(*moments)
	if o.n == 0 {
		return
	}
	n := m.n + o.n
	d := o.mean - m.mean
	m.m2 += o.m2 + d*d*m.n*o.n/n
	m.mean += d * o.n / n
	m.n, m.sum, m.squares = n, m.sum+o.sum, m.squares+o.squares
}

func (m *moments) variance(less float64) float64 {
	if m.n <= less {
		return 0
	}
	return m.m2 / (m.n - less)
}

func (m *moments) Result() vector.Value {
	if m.n == 0 {
		return vector.Value{}
	}
	return vector.Float(m.result(m))
}

func (m *moments) Size() int { return 0 }
