package agg

import (
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	exec.RegisterAggregate(&syntax.AggregateDef{
		Name: "list", Syntax: "list(<field>)", Ordered: true,
		Doc:      "All values in row order, up to 100 of them (search.list_values in the configuration sets the limit). A warning says when there are more.",
		Examples: example("list(x)", `{"r":["2","4","9","4"]}`),
	}, func(env *exec.Env, _ float64) exec.Aggregate {
		return &list{env: env, limit: env.Limits.ListValues}
	})
}

type list struct {
	env   *exec.Env
	vals  []string
	limit int
	more  bool // than limit
	bytes int
}

func (l *list) Update(v vector.Value, _ float64) {
	n := l.room(v.Len())
	for i := range n {
		l.vals = append(l.vals, strings.Clone(v.At(i)))
		l.bytes += len(v.At(i)) + 16
	}
}

func (l *list) Merge(other exec.Aggregate) {
	o := other.(*list)
	for _, v := range o.vals[:l.room(len(o.vals))] {
		l.vals = append(l.vals, v)
		l.bytes += len(v) + 16
	}
}

// room returns how many of n values are kept, and warns of the first that are not.
func (l *list) room(n int) int {
	left := l.limit - len(l.vals)
	if n <= left {
		return n
	}
	if !l.more {
		l.more = true
		l.env.Warn("list() kept the first %d values of a group; raise search.list_values in the configuration to keep more", l.limit)
	}
	return left
}

func (l *list) Result() vector.Value { return vector.Strings(append([]string(nil), l.vals...)) }
func (l *list) Size() int            { return l.bytes }
