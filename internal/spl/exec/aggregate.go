package exec

import (
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Aggregate gathers the values of one field over the rows of one group. An
// Aggregate is used by one goroutine at a time.
type Aggregate interface {
	// Update takes in one row's value: null when the field is missing. at is
	// the row's _time in seconds, NaN when unknown.
	Update(v vector.Value, at float64)
	// Merge takes over what another aggregate of the same kind gathered.
	Merge(other Aggregate)
	// Result returns the value for the group, null for none.
	Result() vector.Value
	// Size returns roughly the bytes held beyond a small constant.
	Size() int
}

// Repeater is implemented by aggregates that can take in the same value of n
// rows at once, n > 0.
type Repeater interface {
	Aggregate
	Repeat(v vector.Value, n int)
}

var constructors = map[*syntax.AggregateDef]func(env *Env, percent float64) Aggregate{}

// RegisterAggregate adds an aggregate; it panics when the name is taken. create
// returns an empty one; percent is the number after the name.
func RegisterAggregate(d *syntax.AggregateDef, create func(env *Env, percent float64) Aggregate) {
	syntax.DocumentAggregate(d)
	constructors[d] = create
}

// NewAggregate returns an empty aggregate; percent is the number after its name.
func NewAggregate(d *syntax.AggregateDef, env *Env, percent float64) Aggregate {
	return constructors[d](env, percent)
}
