package agg

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "dc", Aliases: []string{"distinct_count", "estdc"}, Syntax: "dc(<field>)",
		Doc:      "How many different values there are; case counts. estdc is exact here, too.",
		Examples: example("dc(u)", `{"r":"3"}`),
		New: func(*spl.Env, float64) spl.Aggregate {
			return &set{result: func(m map[string]float64) vector.Value { return vector.Int(len(m)) }}
		},
	})
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "estdc_error", Syntax: "estdc_error(<field>)",
		Doc:      "The error of estdc, which is 0: it counts exactly.",
		Examples: example("estdc_error(u)", `{"r":"0"}`),
		New: func(*spl.Env, float64) spl.Aggregate {
			return &set{result: func(map[string]float64) vector.Value { return vector.Int(0) }}
		},
	})
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "values", Syntax: "values(<field>)",
		Doc:      "The different values, in the order of their bytes.",
		Examples: example("values(u)", `{"r":["a","b","c"]}`),
		New: func(*spl.Env, float64) spl.Aggregate {
			return &set{result: func(m map[string]float64) vector.Value { return vector.Strings(slices.Sorted(maps.Keys(m))) }}
		},
	})
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "mode", Syntax: "mode(<field>)",
		Doc:      "The most frequent value; of several the first in the order of their bytes.",
		Examples: example("mode(x)", `{"r":"4"}`),
		New:      func(*spl.Env, float64) spl.Aggregate { return &set{result: mostFrequent} },
	})
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "list", Syntax: "list(<field>)", Ordered: true,
		Doc:      "All values in the order of the rows, the first 100 of them.",
		Examples: example("list(x)", `{"r":["2","4","9","4"]}`),
		New:      func(env *spl.Env, _ float64) spl.Aggregate { return &list{limit: listLimit(env)} },
	})
}

// set counts how often each value was seen.
type set struct {
	seen   map[string]float64
	bytes  int
	result func(map[string]float64) vector.Value
}

func (s *set) Update(v vector.Value, _ float64) {
	for i := range v.Len() {
		text := v.At(i)
		if _, ok := s.seen[text]; ok {
			s.seen[text]++
			continue
		}
		if s.seen == nil {
			s.seen = map[string]float64{}
		}
		s.seen[strings.Clone(text)] = 1
		s.bytes += len(text) + 40
	}
}

func (s *set) Merge(other spl.Aggregate) {
	o := other.(*set)
	if s.seen == nil {
		s.seen, s.bytes = o.seen, o.bytes
		return
	}
	for text, n := range o.seen {
		if _, ok := s.seen[text]; !ok {
			s.bytes += len(text) + 40
		}
		s.seen[text] += n
	}
}

func (s *set) Result() vector.Value { return s.result(s.seen) }
func (s *set) Size() int            { return s.bytes }

func mostFrequent(m map[string]float64) vector.Value {
	if len(m) == 0 {
		return vector.Value{}
	}
	return vector.String(slices.MinFunc(slices.Collect(maps.Keys(m)), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b], m[a]), strings.Compare(a, b))
	}))
}

func listLimit(env *spl.Env) int {
	if env == nil {
		return spl.DefaultLimits().ListValues
	}
	return env.Limits.ListValues
}

type list struct {
	vals  []string
	limit int
	bytes int
}

func (l *list) Update(v vector.Value, _ float64) {
	for i := 0; i < v.Len() && len(l.vals) < l.limit; i++ {
		l.vals = append(l.vals, strings.Clone(v.At(i)))
		l.bytes += len(v.At(i)) + 16
	}
}

func (l *list) Merge(other spl.Aggregate) {
	o := other.(*list)
	n := min(len(o.vals), l.limit-len(l.vals))
	l.vals = append(l.vals, o.vals[:n]...)
	l.bytes += o.bytes
}

func (l *list) Result() vector.Value { return vector.Strings(l.vals) }
func (l *list) Size() int            { return l.bytes }
