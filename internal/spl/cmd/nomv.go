package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Nomv joins the values of a field into a single value.
type Nomv struct{ Field string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "nomv", Kind: syntax.KindStreaming,
		Summary: "Join the values of a field into one.",
		Syntax:  "nomv <field>",
		Doc:     "The values are joined by a newline, or by the `delim` of the mvcombine or makemv that made them.",
		Args:    []syntax.Arg{{Name: "<field>", Doc: "The multivalue field."}},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval m="a,b" | makemv delim="," setsv=true m | nomv m | table m`,
			Want:   []string{`{"m":"a,b"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			f, err := p.Field()
			return &Nomv{f}, err
		},
	})
}

// Print implements syntax.Command.
func (c *Nomv) Print() string { return "nomv " + syntax.PrintField(c.Field) }

// Needs implements syntax.Command.
func (c *Nomv) Needs(out filter.FieldSet) filter.FieldSet { return out.Naming(c.Field) }

// NewMapper implements exec.Streaming.
func (c *Nomv) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Nomv) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	return op.MapField(ctx, b, c.Field, c.Field, func(v vector.Value) vector.Value {
		if v.Kind() == vector.List {
			return vector.String(v.Joined())
		}
		return v
	}), nil
}
