package cmd

import (
	"context"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Delta computes the difference between a field and its value in an earlier
// row.
type Delta struct {
	Field, As string
	Back      int
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "delta", Kind: syntax.KindSerial,
		Summary: "Compute the difference between a number and its value in a previous row.",
		Syntax:  "delta <field> [AS <new-field>] [p=<n>]",
		Doc:     "The first rows, and rows where either value is not a number, get no value. Events come newest first, so the previous row is the later event.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The field to compare."},
			{Name: "AS <new-field>", Default: "delta(<field>)", Doc: "The field for the difference."},
			{Name: "p", Default: "1", Doc: "Number of rows to look back."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
4
9" | delta n p=2`,
			Want: []string{`{"n":"1"}`, `{"n":"4"}`, `{"n":"9","delta(n)":"8"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Delta{Back: 1}
			options := func() error {
				return p.Options([]string{"p"}, func(o syntax.Option) (err error) {
					c.Back, err = o.Int(1)
					return err
				})
			}
			err := options()
			if err == nil {
				c.Field, err = p.Field()
			}
			c.As = "delta(" + c.Field + ")"
			if err == nil {
				err = options()
			}
			if err == nil && p.AcceptWord("as") {
				c.As, err = p.Field()
			}
			if err == nil {
				err = options()
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Delta) Print() string {
	s := "delta " + syntax.PrintField(c.Field)
	if c.As != "delta("+c.Field+")" {
		s += " AS " + syntax.PrintField(c.As)
	}
	if c.Back != 1 {
		s += " p=" + strconv.Itoa(c.Back)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Delta) Needs(out filter.FieldSet) filter.FieldSet { return out.Without(c.As).Add(c.Field) }

// Open implements exec.Serial.
func (c *Delta) Open(_ context.Context, _ *exec.Env, in exec.Operator) (exec.Operator, error) {
	return exec.Mapped(in, &delta{c: c}), nil
}

type delta struct {
	c    *Delta
	last []vector.Value // at most Back, oldest first
}

func (d *delta) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	vals := make([]vector.Value, b.Len)
	for i := range vals {
		v := b.At(d.c.Field, i)
		if len(d.last) == d.c.Back {
			now, ok := v.Num()
			before, okb := d.last[0].Num()
			if ok && okb {
				vals[i] = vector.Float(now - before)
			}
			d.last = d.last[1:]
		}
		d.last = append(d.last, v.Clone())
	}
	return b.With(vector.NewColumn(d.c.As, vals)), nil
}
