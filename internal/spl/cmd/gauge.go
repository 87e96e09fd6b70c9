package cmd

import (
	"context"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Gauge builds the table from which a gauge is drawn.
type Gauge struct {
	Value  GaugeArg
	Ranges []GaugeArg // none = 0 30 70 100
}

// GaugeArg is a field or a number.
type GaugeArg struct {
	Field  string // "" = Number
	Number float64
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "gauge", Kind: syntax.KindStreaming,
		Summary: "Build the table that a gauge is drawn from.",
		Syntax:  "gauge <value> [<bound> …]",
		Doc:     "The value is written to `x`, the bounds of the colored ranges to `y1`, `y2` and so on. All other fields are dropped.",
		Args: []syntax.Arg{
			{Name: "<value>", Doc: "A field or a number."},
			{Name: "<bound>", Default: "0 30 70 100", Doc: "Fields or numbers."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval n=7 | gauge n 0 5 10`,
			Want:   []string{`{"x":"7","y1":"0","y2":"5","y3":"10"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			names, err := p.Fields()
			if err != nil {
				return nil, err
			}
			c := &Gauge{Value: gaugeArg(names[0])}
			for _, n := range names[1:] {
				c.Ranges = append(c.Ranges, gaugeArg(n))
			}
			return c, nil
		},
	})
}

func gaugeArg(s string) GaugeArg {
	if f, ok := vector.ParseNumber(s); ok {
		return GaugeArg{Number: f}
	}
	return GaugeArg{Field: s}
}

func (a GaugeArg) print() string {
	if a.Field == "" {
		return vector.FormatNumber(a.Number)
	}
	return syntax.PrintField(a.Field)
}

func (a GaugeArg) column(b *vector.Batch, name string) *vector.Column {
	if a.Field == "" {
		return vector.Constant(name, vector.Float(a.Number))
	}
	return vector.NewColumn(name, op.Present(b, a.Field))
}

// Print implements syntax.Command.
func (c *Gauge) Print() string {
	s := "gauge " + c.Value.print()
	for _, r := range c.Ranges {
		s += " " + r.print()
	}
	return s
}

// Needs implements syntax.Command.
func (c *Gauge) Needs(filter.FieldSet) filter.FieldSet {
	need := filter.FieldSet{}
	for _, a := range append([]GaugeArg{c.Value}, c.Ranges...) {
		if a.Field != "" {
			need = need.Add(a.Field)
		}
	}
	return need
}

// Tabulates says that the rows are no longer events.
func (c *Gauge) Tabulates() bool { return true }

// NewMapper implements exec.Streaming.
func (c *Gauge) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Gauge) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	ranges := c.Ranges
	if len(ranges) == 0 {
		ranges = []GaugeArg{{Number: 0}, {Number: 30}, {Number: 70}, {Number: 100}}
	}
	out := &vector.Batch{Len: b.Len, Cols: []*vector.Column{c.Value.column(b, "x")}}
	for i, r := range ranges {
		out.Cols = append(out.Cols, r.column(b, "y"+strconv.Itoa(i+1)))
	}
	return out, nil
}
