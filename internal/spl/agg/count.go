package agg

import (
	"encoding/binary"
	"math"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	exec.RegisterAggregate(&syntax.AggregateDef{
		Name: "count", Aliases: []string{"c"}, Syntax: "count | count(<field>) | count(eval(<expression>))", NoField: true,
		Doc:      "Without a field, the number of rows; with one, the number of its values; with eval, how often the condition is true.",
		Examples: append(example("count(u)", `{"r":"4"}`), example(`count(eval(x>3))`, `{"r":"3"}`)...),
	}, func(*exec.Env, float64) exec.Aggregate { return new(counter) })
}

type counter int

var _ exec.Repeater = (*counter)(nil)

func (c *counter) Update(v vector.Value, _ float64) { c.Repeat(v, 1) }

// Repeat implements exec.Repeater.
func (c *counter) Repeat(v vector.Value, n int) {
	if v.Kind() != vector.Bool || v.True() {
		*c += counter(n * v.Len())
	}
}

func (c *counter) Merge(o exec.Aggregate) { *c += *o.(*counter) }

// Marshal implements exec.Aggregate.
func (c *counter) Marshal(dst []byte) []byte {
	return binary.AppendUvarint(append(dst, exec.StateCount), uint64(*c))
}

// Unmarshal implements exec.Aggregate.
func (c *counter) Unmarshal(data []byte) ([]byte, error) {
	d := exec.ReadState(data, exec.StateCount)
	*c = counter(d.Count(math.MaxInt))
	return exec.StateRead(d)
}

func (c *counter) Result() vector.Value { return vector.Int(int(*c)) }
func (c *counter) Size() int            { return 0 }
