package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Setfields sets fields to the same text in every row.
type Setfields struct{ Sets []FieldText }

// FieldText is a field and its text.
type FieldText struct{ Field, Text string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "setfields", Kind: syntax.KindStreaming,
		Summary: "Set fields to the same text in every row.",
		Syntax:  `setfields <field>="<text>" [, <field>="<text>"]…`,
		Doc:     "Existing values are replaced.",
		Args:    []syntax.Arg{{Name: `<field>="<text>"`, Doc: "A field and its text."}},
		Examples: []syntax.Example{{
			Search: `| makeresults | setfields case="IR-7", owner="blue team" | table case owner`,
			Want:   []string{`{"case":"IR-7","owner":"blue team"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Setfields{}
			for !p.AtEnd() {
				name := p.Peek()
				o, ok, err := p.Option()
				if err != nil {
					return nil, err
				}
				if !ok {
					return nil, diag.At(name.Span, `setfields needs field="text"`)
				}
				c.Sets = append(c.Sets, FieldText{name.Text, o.Value.Text})
				p.Accept(",")
			}
			if len(c.Sets) == 0 {
				return nil, diag.At(p.Peek().Span, `setfields needs field="text"`)
			}
			return c, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Setfields) Print() string {
	parts := make([]string, len(c.Sets))
	for i, s := range c.Sets {
		parts[i] = s.Field + "=" + syntax.QuoteArg(s.Text)
	}
	return "setfields " + strings.Join(parts, ", ")
}

// Needs implements syntax.Command.
func (c *Setfields) Needs(out filter.FieldSet) filter.FieldSet {
	for _, s := range c.Sets {
		out = out.Without(s.Field)
	}
	return out
}

// NewMapper implements exec.Streaming.
func (c *Setfields) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Setfields) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	out := op.Set(b)
	for _, s := range c.Sets {
		out.With(vector.Constant(s.Field, vector.String(s.Text)))
	}
	return out.Batch(), nil
}
