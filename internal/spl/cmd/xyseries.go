package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Xyseries makes columns of the values of a field.
type Xyseries struct {
	Key, Name string
	Values    []string
	Sep       string
	Format    string // with $AGG$ and $VAL$; "" = as Sep says
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "xyseries", Aliases: []string{"maketable"}, Kind: syntax.KindSerial,
		Summary: "Build a table with a column for each value of a field; the inverse of untable.",
		Syntax:  "xyseries <key-field> <name-field> <value-field>… [sep=<text>] [format=<text>]",
		Doc: "There is one row for each value of the key, in order of first appearance; columns are in alphabetical order. With\n" +
			"several value fields, columns are named `field: name`. If several rows fill the same cell, the last one wins.",
		Args: []syntax.Arg{
			{Name: "<key-field>", Doc: "The field whose values become rows."},
			{Name: "<name-field>", Doc: "The field whose values become columns."},
			{Name: "<value-field>", Doc: "The fields for the cells."},
			{Name: "sep", Default: ": ", Doc: "The separator in column names with several value fields."},
			{Name: "format", Doc: "The format of these names, such as `$VAL$/$AGG$`: the name and the value field; takes precedence over sep."},
			{Name: "grouped", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="ip,dom,n
a,y,2
a,x,1
b,x,3" | xyseries ip dom n`,
			Want: []string{`{"ip":"a","x":"1","y":"2"}`, `{"ip":"b","x":"3"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Xyseries{Sep: ": "}
			start := p.Peek().Span
			options := func() error {
				return p.Options([]string{"sep", "format", "grouped"}, func(o syntax.Option) (err error) {
					switch o.Name {
					case "sep":
						c.Sep = o.Value.Text
					case "format":
						c.Format = o.Value.Text
					default:
						_, err = o.Bool()
					}
					return err
				})
			}
			if err := options(); err != nil {
				return nil, err
			}
			names, err := p.Fields()
			if err == nil {
				err = options()
			}
			if err != nil {
				return nil, err
			}
			if len(names) < 3 {
				return nil, diag.At(start, "xyseries needs a key, a name and a value field")
			}
			c.Key, c.Name, c.Values = names[0], names[1], names[2:]
			return c, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Xyseries) Print() string {
	s := "xyseries "
	if c.Sep != ": " {
		s += "sep=" + filter.Quote(c.Sep) + " "
	}
	if c.Format != "" {
		s += "format=" + filter.Quote(c.Format) + " "
	}
	return s + syntax.PrintFields(append([]string{c.Key, c.Name}, c.Values...))
}

// Needs implements syntax.Command.
func (c *Xyseries) Needs(filter.FieldSet) filter.FieldSet {
	return filter.Fields(c.Values...).Add(c.Key, c.Name)
}

// Tabulates says that the rows are no events any more.
func (c *Xyseries) Tabulates() bool { return true }

// maxSeries bounds the columns of a table; a field with more values is hardly
// meant to become columns.
const maxSeries = 10000

// Open implements exec.Serial.
func (c *Xyseries) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		return exec.Rows(c.table(env, rows)), nil
	}), nil
}

// column names the column of a value field, where there are several.
func (c *Xyseries) column(field, name string) string {
	if c.Format == "" {
		return field + c.Sep + name
	}
	return strings.NewReplacer("$AGG$", field, "$VAL$", name, "$VALUE$", name).Replace(c.Format)
}

func (c *Xyseries) table(env *exec.Env, rows []*vector.Batch) *vector.Batch {
	type row struct {
		key   vector.Value
		cells map[string]vector.Value
	}
	var order []*row
	byKey := map[string]*row{}
	series := make([][]string, len(c.Values)) // names of columns, by value field
	known := map[string]bool{}
	for _, b := range rows {
		env.Poll()
		for i := range b.Len {
			env.Poll()
			key, name := b.At(c.Key, i), b.At(c.Name, i)
			if key.IsNull() || name.IsNull() {
				continue
			}
			r := byKey[key.Text()]
			if r == nil {
				r = &row{key, map[string]vector.Value{}}
				byKey[key.Text()] = r
				order = append(order, r)
			}
			for n, field := range c.Values {
				col := name.Text()
				if len(c.Values) > 1 {
					col = c.column(field, col)
				}
				if !known[col] {
					if len(known) == maxSeries {
						env.Warn("xyseries makes at most %d columns; the other values of %s are left out", maxSeries, c.Name)
						continue
					}
					known[col] = true
					series[n] = append(series[n], col)
				}
				r.cells[col] = b.At(field, i)
			}
		}
	}
	names := []string{c.Key}
	for _, list := range series {
		slices.Sort(list)
		names = append(names, list...)
	}
	out := vector.NewBuilder(names...)
	for _, r := range order {
		env.Poll()
		out.Add()
		for name, v := range r.cells {
			out.Set(name, v)
		}
		out.Set(c.Key, r.key)
	}
	return out.Batch()
}
