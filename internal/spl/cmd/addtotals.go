package cmd

import (
	"context"
	"io"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Addtotals adds a sum to each row, a row of column sums at the end, or both.
// Addcoltotals is an Addtotals without a field for row sums.
type Addtotals struct {
	Row, Col   bool
	Field      string // for the row sum
	LabelField string // where the label of the totals row goes, "" = none
	Label      string
	Fields     []string // names and patterns; none = all fields that do not start with _

	only bool // parsed as addcoltotals
}

var totalsArgs = []syntax.Arg{
	{Name: "labelfield", Doc: "The field of the totals row that holds its label."},
	{Name: "label", Default: "Total", Doc: "The label."},
	{Name: "<field-list>", Default: "all", Doc: "The fields to add up; wildcards are allowed."},
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "addtotals", Kind: syntax.KindSerial,
		Summary: "Add the total of each row, or append a row with the column totals.",
		Syntax:  "addtotals [row=<bool>] [col=<bool>] [fieldname=<field>] [labelfield=<field>] [label=<text>] [<field-list>]",
		Doc:     "Values that are not numbers are skipped, as are fields that start with `_` unless they are named. A row without numbers has the total 0.",
		Args: append([]syntax.Arg{
			{Name: "row", Default: "true", Doc: "Whether to add a total to each row."},
			{Name: "col", Default: "false", Doc: "Whether to append a row with the column totals."},
			{Name: "fieldname", Default: "Total", Doc: "The field for the row total."},
		}, totalsArgs...),
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,a,b
x,1,2
y,3,4" | addtotals col=t labelfield=u label=all`,
			Want: []string{`{"u":"x","a":"1","b":"2","Total":"3"}`, `{"u":"y","a":"3","b":"4","Total":"7"}`, `{"u":"all","a":"4","b":"6","Total":"10"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			return parseAddtotals(p, &Addtotals{Row: true, Field: "Total", Label: "Total"})
		},
	})
}

func parseAddtotals(p *syntax.Parser, c *Addtotals) (syntax.Command, error) {
	known := []string{"labelfield", "label"}
	if !c.only {
		known = append(known, "row", "col", "fieldname")
	}
	var err error
	c.Fields, err = p.OptionsAndFields(known, func(o syntax.Option) (err error) {
		switch o.Name {
		case "labelfield":
			c.LabelField = o.Value.Text
		case "label":
			c.Label = o.Value.Text
		case "row":
			c.Row, err = o.Bool()
		case "col":
			c.Col, err = o.Bool()
		default:
			c.Field = o.Value.Text
		}
		return err
	})
	return c, err
}

// Print implements syntax.Command.
func (c *Addtotals) Print() string {
	s := "addtotals"
	if c.only {
		s = "addcoltotals"
	} else {
		if !c.Row {
			s += " row=false"
		}
		if c.Col {
			s += " col=true"
		}
		if c.Field != "Total" {
			s += " fieldname=" + syntax.PrintOption(c.Field)
		}
	}
	if c.LabelField != "" {
		s += " labelfield=" + syntax.PrintOption(c.LabelField)
	}
	if c.Label != "Total" {
		s += " label=" + syntax.PrintOption(c.Label)
	}
	if len(c.Fields) > 0 {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Addtotals) Needs(out filter.FieldSet) filter.FieldSet {
	if !c.Row || !out.Has(c.Field) {
		return out
	}
	if len(c.Fields) == 0 {
		return out.Union(filter.AllFields())
	}
	return out.Without(c.Field).Add(c.Fields...)
}

// Open implements exec.Serial.
func (c *Addtotals) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	def, _ := syntax.LookupAggregate("sum")
	return &addtotals{
		c: c, in: in, sums: map[string]exec.Aggregate{},
		sum: func() exec.Aggregate { return exec.NewAggregate(def, env, 0) },
	}, nil
}

type addtotals struct {
	c     *Addtotals
	in    exec.Operator
	sum   func() exec.Aggregate
	sums  map[string]exec.Aggregate // by column
	names []string                  // all columns, in order of first appearance
	some  bool                      // at least one row was read
	done  bool
}

func (a *addtotals) Close() { a.in.Close() }

func (a *addtotals) Next(ctx context.Context) (*vector.Batch, error) {
	if a.done {
		return nil, io.EOF
	}
	b, err := a.in.Next(ctx)
	if err == io.EOF {
		a.done = true
		if a.c.Col && a.some {
			return a.last(), nil
		}
		return nil, io.EOF
	}
	if err != nil {
		return nil, err
	}
	a.some = a.some || b.Len > 0
	if a.c.Row {
		b = a.across(b)
	}
	if a.c.Col {
		a.down(b)
	}
	return b, nil
}

// across adds a sum to each row.
func (a *addtotals) across(b *vector.Batch) *vector.Batch {
	vals := make([]vector.Value, b.Len)
	for i := range vals {
		sum := a.sum()
		for _, col := range b.Cols {
			if col.Name != a.c.Field && op.Listed(a.c.Fields, col.Name) {
				sum.Update(col.At(i), op.NaN)
			}
		}
		if vals[i] = sum.Result(); vals[i].IsNull() {
			vals[i] = vector.Int(0)
		}
	}
	return b.With(vector.NewColumn(a.c.Field, vals))
}

// down adds the values of a batch to the column sums.
func (a *addtotals) down(b *vector.Batch) {
	for _, col := range b.Cols {
		sum, known := a.sums[col.Name]
		if !known {
			a.names = append(a.names, col.Name)
			if op.Listed(a.c.Fields, col.Name) || a.c.Row && col.Name == a.c.Field {
				sum = a.sum()
			}
			a.sums[col.Name] = sum
		}
		if sum == nil {
			continue
		}
		for i := range b.Len {
			sum.Update(col.At(i), op.NaN)
		}
	}
}

// last returns the row of column sums.
func (a *addtotals) last() *vector.Batch {
	b := vector.NewBuilder(a.names...)
	b.Add()
	for i, name := range a.names {
		if sum := a.sums[name]; sum != nil {
			b.SetAt(i, sum.Result())
		}
	}
	if a.c.LabelField != "" {
		b.Set(a.c.LabelField, vector.String(a.c.Label))
	}
	return b.Batch()
}
