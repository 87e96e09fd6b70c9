package cmd

import (
	"context"
	"strconv"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Mvexpand makes a row of each value of a field.
type Mvexpand struct {
	Field string
	Limit int
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "mvexpand", Kind: spl.KindStreaming,
		Summary: "Make one row of each value of a field.",
		Syntax:  "mvexpand <field> [limit=<n>]",
		Doc:     "The other fields are copied. A row that lacks the field stays as it is.",
		Args: []spl.Arg{
			{Name: "<field>", Doc: "The field with several values."},
			{Name: "limit", Default: "0", Doc: "How many values of a row to use; 0 is all."},
		},
		Examples: []spl.Example{{
			Search: `| makeresults | eval m="a,b", x="k" | makemv delim="," m | mvexpand m | table m x`,
			Want:   []string{`{"m":"a","x":"k"}`, `{"m":"b","x":"k"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			c := &Mvexpand{}
			options := func() error {
				return p.Options([]string{"limit"}, func(o spl.Option) (err error) {
					c.Limit, err = o.Int(0)
					return err
				})
			}
			if err := options(); err != nil {
				return nil, err
			}
			var err error
			if c.Field, err = p.Field(); err != nil {
				return nil, err
			}
			return c, options()
		},
	})
}

// Print implements spl.Command.
func (c *Mvexpand) Print() string {
	s := "mvexpand " + spl.PrintField(c.Field)
	if c.Limit > 0 {
		s += " limit=" + strconv.Itoa(c.Limit)
	}
	return s
}

// Needs implements spl.Command.
func (c *Mvexpand) Needs(out spl.FieldSet) spl.FieldSet { return out.Add(c.Field) }

// NewMapper implements spl.Streaming.
func (c *Mvexpand) NewMapper(*spl.Env) (spl.Mapper, error) { return c, nil }

// Map implements spl.Mapper.
func (c *Mvexpand) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	col := b.Col(c.Field)
	if col == nil {
		return b, nil
	}
	var rows []int32
	var vals []vector.Value
	several := false
	for i := range b.Len {
		v := col.At(i)
		n := v.Len()
		if c.Limit > 0 {
			n = min(n, c.Limit)
		}
		if v.Len() < 2 {
			rows, vals = append(rows, int32(i)), append(vals, v)
			continue
		}
		several = true
		for j := range n {
			rows, vals = append(rows, int32(i)), append(vals, vector.String(v.At(j)))
		}
	}
	if !several {
		return b, nil
	}
	return b.Pick(rows).With(vector.NewColumn(c.Field, vals)), nil
}
