package cmd

import (
	"context"
	"math"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Mvexpand makes a row from each value of a field.
type Mvexpand struct {
	Field string
	Limit int
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "mvexpand", Kind: syntax.KindStreaming,
		Summary: "Return a row for each value of a field.",
		Syntax:  "mvexpand <field> [limit=<n>]",
		Doc: "The other fields are copied. A row that lacks the field is unchanged. Rows are created on demand, so there is no\n" +
			"memory limit.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The multivalue field."},
			{Name: "limit", Default: "0", Doc: "Maximum number of values of each row; 0 means all."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval m="a,b", x="k" | makemv delim="," m | mvexpand m | table m x`,
			Want:   []string{`{"m":"a","x":"k"}`, `{"m":"b","x":"k"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Mvexpand{}
			options := func() error {
				return p.Options([]string{"limit"}, func(o syntax.Option) (err error) {
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

// Print implements syntax.Command.
func (c *Mvexpand) Print() string {
	s := "mvexpand " + syntax.PrintField(c.Field)
	if c.Limit > 0 {
		s += " limit=" + strconv.Itoa(c.Limit)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Mvexpand) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements exec.Streaming.
func (c *Mvexpand) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper. Its result holds all rows.
func (c *Mvexpand) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	x := c.expansion(b)
	if x == nil {
		return b, nil
	}
	return x.take(math.MaxInt), nil
}

// Spread implements exec.Spreading.
func (c *Mvexpand) Spread(b *vector.Batch) func() *vector.Batch {
	x := c.expansion(b)
	if x == nil {
		return op.Alone(b)
	}
	return func() *vector.Batch { return x.take(vector.DefaultRows) }
}

// expansion is a batch in which some rows expand to several.
type expansion struct {
	c   *Mvexpand
	b   *vector.Batch
	col *vector.Column
	row int // next row to take
	at  int // index of its next value
}

// expansion returns nil if no row has several values.
func (c *Mvexpand) expansion(b *vector.Batch) *expansion {
	col := b.Col(c.Field)
	for i := range b.Len {
		if col != nil && col.At(i).Len() > 1 {
			return &expansion{c: c, b: b, col: col}
		}
	}
	return nil
}

// take returns up to most rows, or nil at the end.
func (x *expansion) take(most int) *vector.Batch {
	var rows []int32
	var vals []vector.Value
	for x.row < x.b.Len && len(rows) < most {
		v := x.col.At(x.row)
		n := v.Len()
		if x.c.Limit > 0 {
			n = min(n, x.c.Limit)
		}
		if v.Len() < 2 {
			rows, vals = append(rows, int32(x.row)), append(vals, v)
		}
		for ; v.Len() > 1 && x.at < n && len(rows) < most; x.at++ {
			rows, vals = append(rows, int32(x.row)), append(vals, vector.String(v.At(x.at)))
		}
		if v.Len() < 2 || x.at >= n {
			x.row, x.at = x.row+1, 0
		}
	}
	if rows == nil {
		return nil
	}
	return x.b.Pick(rows).With(vector.NewColumn(x.c.Field, vals))
}
