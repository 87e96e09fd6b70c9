package agg

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	spl.RegisterAggregate(&spl.AggregateDef{
		Name: "count", Aliases: []string{"c"}, Syntax: "count | count(<field>) | count(eval(<expression>))", NoField: true,
		Doc:      "Without a field the number of rows; with one, how many values it has; with eval, how often the test is true.",
		Examples: append(example("count(u)", `{"r":"4"}`), example(`count(eval(x>3))`, `{"r":"3"}`)...),
	}, func(*spl.Env, float64) spl.Aggregate { return new(counter) })
}

type counter int

var _ spl.Repeater = (*counter)(nil)

func (c *counter) Update(v vector.Value, _ float64) { c.Repeat(v, 1) }

// Repeat implements spl.Repeater.
func (c *counter) Repeat(v vector.Value, n int) {
	if v.Kind() != vector.Bool || v.True() {
		*c += counter(n * v.Len())
	}
}

func (c *counter) Merge(o spl.Aggregate) { *c += *o.(*counter) }
func (c *counter) Result() vector.Value  { return vector.Int(int(*c)) }
func (c *counter) Size() int             { return 0 }
