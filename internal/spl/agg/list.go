package agg

import (
	"strings"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "list", Syntax: "list(<field>)", Ordered: true,
		Doc:      "All values in the order of the rows, the first 100 of them.",
		Examples: example("list(x)", `{"r":["2","4","9","4"]}`),
		New: func(env *spl.Env, _ float64) spl.Aggregate {
			return &list{limit: env.Limits.ListValues}
		},
	})
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

func (l *list) Result() vector.Value { return vector.Strings(append([]string(nil), l.vals...)) }
func (l *list) Size() int            { return l.bytes }
