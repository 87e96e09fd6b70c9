package cmd

import (
	"context"
	"io"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Fillnull sets a value where a field is missing.
type Fillnull struct {
	Value  string
	Fields []string // names and patterns; none = all fields that occur
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "fillnull", Kind: syntax.KindSerial,
		Summary: "Replace missing values with a fixed value.",
		Syntax:  "fillnull [value=<text>] [<field-list>]",
		Doc: "With a list, the fields are set in every row that lacks them. Without one, every field that any row has is filled in\n" +
			"all rows, which are held in memory for that; a name with `*` matches some of those fields. An empty string is not\n" +
			"missing.",
		Args: []syntax.Arg{
			{Name: "value", Default: "0", Doc: "The value to fill in."},
			{Name: "<field-list>", Default: "all", Doc: "The fields to fill."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval a="x" | fillnull value=NULL a b | table a b`,
			Want:   []string{`{"a":"x","b":"NULL"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Fillnull{Value: "0"}
			options := func() error {
				return p.Options([]string{"value"}, func(o syntax.Option) error {
					c.Value = o.Value.Text
					return nil
				})
			}
			if err := options(); err != nil {
				return nil, err
			}
			if !p.AtEnd() {
				var err error
				if c.Fields, err = p.Fields(); err != nil {
					return nil, err
				}
			}
			return c, options()
		},
	})
}

// Print implements syntax.Command.
func (c *Fillnull) Print() string {
	s := "fillnull value=" + syntax.PrintOption(c.Value)
	if len(c.Fields) > 0 {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Fillnull) Needs(out filter.FieldSet) filter.FieldSet { return out.Naming(c.Fields...) }

// RowWise reports whether each row is processed independently.
func (c *Fillnull) RowWise() bool {
	return len(c.Fields) > 0 && !slices.ContainsFunc(c.Fields, func(n string) bool { return strings.Contains(n, "*") })
}

// Open implements exec.Serial.
func (c *Fillnull) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if c.RowWise() {
		return exec.Mapped(in, c), nil
	}
	f := &fillAll{c: c, held: env.Memory.Hold(), in: in}
	for _, n := range c.Fields {
		if !strings.Contains(n, "*") {
			f.names = append(f.names, n)
		}
	}
	return f, nil
}

// Map implements exec.Mapper for the listed fields.
func (c *Fillnull) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	return c.fill(b, c.Fields), nil
}

func (c *Fillnull) fill(b *vector.Batch, names []string) *vector.Batch {
	value := vector.String(c.Value)
	var cols []*vector.Column
	for _, n := range names {
		col := b.Col(n)
		if col == nil {
			cols = append(cols, vector.Constant(n, value))
			continue
		}
		vals := make([]vector.Value, b.Len)
		for i := range vals {
			if vals[i] = col.At(i); vals[i].IsNull() {
				vals[i] = value
			}
		}
		cols = append(cols, vector.NewColumn(n, vals))
	}
	return b.With(cols...)
}

// fillAll holds the rows until all field names are known.
type fillAll struct {
	c     *Fillnull
	in    exec.Operator
	read  bool
	rows  []*vector.Batch
	names []string
	held  *exec.Held
}

func (f *fillAll) Close() {
	f.in.Close()
	f.held.Release()
	f.rows = nil
}

func (f *fillAll) Next(ctx context.Context) (*vector.Batch, error) {
	if !f.read {
		f.read = true
		err := exec.Drain(ctx, f.in, func(b *vector.Batch) error {
			for _, c := range b.Cols {
				if op.Listed(f.c.Fields, c.Name) && !slices.Contains(f.names, c.Name) && present(c, b.Len) {
					f.names = append(f.names, c.Name)
				}
			}
			f.rows = append(f.rows, b)
			return f.held.Add(b.Size())
		})
		if err != nil {
			return nil, err
		}
	}
	if len(f.rows) == 0 {
		return nil, io.EOF
	}
	b := f.rows[0]
	f.rows = f.rows[1:]
	return f.c.fill(b, f.names), nil
}

// present reports whether any of the first n rows has a value in the column.
func present(c *vector.Column, n int) bool {
	for i := range n {
		if !c.At(i).IsNull() {
			return true
		}
	}
	return false
}
