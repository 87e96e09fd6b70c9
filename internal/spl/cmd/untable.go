package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Untable makes a row from each cell.
type Untable struct{ Key, Name, Value string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "untable", Kind: syntax.KindStreaming,
		Summary: "Turn each cell of a table into a row; the inverse of xyseries.",
		Syntax:  "untable <key-field> <name-field> <value-field>",
		Doc:     "Each row gives a new row for every other field that it has, except internal ones: the key, the field's name and its value.",
		Args: []syntax.Arg{
			{Name: "<key-field>", Doc: "The field to keep."},
			{Name: "<name-field>", Doc: "The field for the names of the other fields."},
			{Name: "<value-field>", Doc: "The field for their values."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,a,b
x,1,2
y,3," | untable u name value`,
			Want: []string{`{"u":"x","name":"a","value":"1"}`, `{"u":"x","name":"b","value":"2"}`, `{"u":"y","name":"a","value":"3"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Untable{}
			for _, dst := range []*string{&c.Key, &c.Name, &c.Value} {
				p.Accept(",")
				var err error
				if *dst, err = p.Field(); err != nil {
					return nil, err
				}
			}
			return c, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Untable) Print() string {
	return "untable " + syntax.PrintField(c.Key) + " " + syntax.PrintField(c.Name) + " " + syntax.PrintField(c.Value)
}

// Needs implements syntax.Command.
func (c *Untable) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Tabulates says that the rows are no longer events.
func (c *Untable) Tabulates() bool { return true }

// NewMapper implements exec.Streaming.
func (c *Untable) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Untable) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	out := vector.NewBuilder(c.Key, c.Name, c.Value)
	key := b.Col(c.Key)
	pulse := exec.NewPulse(ctx)
	for i := range b.Len {
		pulse.Work(32 * len(b.Cols))
		for _, col := range b.Cols {
			v := col.At(i)
			if v.IsNull() || col == key || op.Internal(col.Name) {
				continue
			}
			out.Add()
			if key != nil {
				out.Set(c.Key, key.At(i))
			}
			out.Set(c.Name, vector.String(col.Name))
			out.Set(c.Value, v)
		}
	}
	return out.Batch(), nil
}
