package exec

import (
	"errors"

	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Aggregate gathers the values of one field over the rows of one group. An
// Aggregate is used by one goroutine at a time.
type Aggregate interface {
	// Update takes in one row's value: null when the field is missing. at is
	// the row's _time in seconds, NaN when unknown.
	Update(v vector.Value, at float64)
	// Merge takes over what another aggregate of the same kind gathered, which
	// must not be used afterwards.
	Merge(other Aggregate)
	// Marshal appends the state to dst, in a form that Unmarshal of an aggregate
	// made by the same call reads, also in another process.
	Marshal(dst []byte) []byte
	// Unmarshal fills an empty aggregate with a state and returns the bytes behind
	// it. It keeps nothing of data. Any bytes may be given: those that are no state
	// are an error, and the aggregate must not be used then.
	Unmarshal(data []byte) (rest []byte, err error)
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

// Divisible is implemented by aggregates whose state can become large, so that it
// can be marshalled piece by piece.
type Divisible interface {
	Aggregate
	// Divide moves about size bytes of the state into an aggregate of its own, what
	// the first rows gave before what later ones gave. Pieces that are merged in
	// the order in which they were taken, the rest last, make the whole. It returns
	// nil when the state cannot be divided.
	Divide(size int) Aggregate
}

// The first byte of a state says what follows. A layout that changes gets a new
// number; none is used again.
const (
	StateCount byte = iota + 1
	StateExtremes
	StateMoments
	StateList
	StateMode
	StateEdge
	StateTimed
	StateRate
	StateNumbers
	StateSet
	StateSparkline
	StateAllNumbers
)

var errState = errors.New("the state of an aggregate is damaged")

// ReadState returns a decoder of what follows the byte of a state.
func ReadState(data []byte, kind byte) *vector.Decoder {
	d := vector.NewDecoder(data)
	if d.Byte() != kind {
		d.Fail()
	}
	return d
}

// StateRead returns what Unmarshal does when d has read the state.
func StateRead(d *vector.Decoder) (rest []byte, err error) {
	rest, ok := d.Rest()
	if !ok {
		return nil, errState
	}
	return rest, nil
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
