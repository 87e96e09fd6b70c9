package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Accum keeps a running sum of a field.
type Accum struct{ Field, As string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "accum", Kind: syntax.KindSerial,
		Summary: "Keep a running sum of a field.",
		Syntax:  "accum <field> [AS <new-field>]",
		Doc:     "Rows whose field is not a number are unchanged. Without AS, the sum replaces the field itself.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The field to sum."},
			{Name: "AS <new-field>", Default: "the field", Doc: "The field to write the sum to."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
2
x
3" | accum n AS total`,
			Want: []string{`{"n":"1","total":"1"}`, `{"n":"2","total":"3"}`, `{"n":"x"}`, `{"n":"3","total":"6"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			f, err := p.Field()
			c := &Accum{f, f}
			if err == nil && p.AcceptWord("as") {
				c.As, err = p.Field()
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Accum) Print() string {
	s := "accum " + syntax.PrintField(c.Field)
	if c.As != c.Field {
		s += " AS " + syntax.PrintField(c.As)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Accum) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// Open implements exec.Serial.
func (c *Accum) Open(_ context.Context, _ *exec.Env, in exec.Operator) (exec.Operator, error) {
	return exec.Mapped(in, &accum{c: c}), nil
}

type accum struct {
	c   *Accum
	sum float64
}

func (a *accum) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	vals := make([]vector.Value, b.Len)
	for i := range vals {
		if n, ok := b.At(a.c.Field, i).Num(); ok {
			a.sum += n
			vals[i] = vector.Float(a.sum)
			continue
		}
		vals[i] = b.At(a.c.As, i)
	}
	return b.With(vector.NewColumn(a.c.As, vals)), nil
}
