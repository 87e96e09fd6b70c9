package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Table keeps exactly the listed columns.
type Table struct{ Names []string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "table", Kind: syntax.KindStreaming,
		Summary: "Make a table of the listed fields, in that order.",
		Syntax:  "table <field-list>",
		Doc: "A listed field that no row has becomes an empty column. A name with `*` stands for the fields that match it, in\n" +
			"alphabetical order. Everything else is dropped, including `_time` and `_raw`.",
		Args: []syntax.Arg{{Name: "<field-list>", Doc: "Names separated by commas or spaces."}},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval b=2, a=1 | table a, b nosuch`,
			Want:   []string{`{"a":"1","b":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			names, err := p.Fields()
			return &Table{names}, err
		},
	})
}

// Print implements syntax.Command.
func (c *Table) Print() string { return "table " + syntax.PrintFields(c.Names) }

// Needs implements syntax.Command.
func (c *Table) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields(c.Names...) }

// Tabulates says that the rows are no longer events.
func (c *Table) Tabulates() bool { return true }

// Columns implements exec.Tabular.
func (c *Table) Columns() []string {
	return slices.DeleteFunc(slices.Clone(c.Names), func(n string) bool { return strings.Contains(n, "*") })
}

// NewMapper implements exec.Streaming.
func (c *Table) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Table) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	out := &vector.Batch{Len: b.Len}
	add := func(col *vector.Column) {
		if out.Col(col.Name) == nil {
			out.Cols = append(out.Cols, col)
		}
	}
	for _, n := range c.Names {
		if !strings.Contains(n, "*") {
			if col := b.Col(n); col != nil {
				add(col)
			} else {
				add(vector.Constant(n, vector.Value{}))
			}
			continue
		}
		names := b.Names()
		slices.Sort(names)
		for _, name := range names {
			if op.Covers(n, name) {
				add(b.Col(name))
			}
		}
	}
	return out, nil
}
