package cmd

import (
	"context"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Autoregress puts values of the rows before beside each row.
type Autoregress struct {
	Field, As   string // As "" = named after the field
	First, Last int    // how many rows back, 1 <= First <= Last
	Range       bool   // p was written as a range
}

// maxBack bounds how far back autoregress and delta look.
const maxBack = 10000

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "autoregress", Kind: syntax.KindSerial,
		Summary: "Copy the values a field had in previous rows into each row.",
		Syntax:  "autoregress <field> [AS <new-field>] [p=<n>|<first>-<last>]",
		Doc:     "The new field is named `field_p<n>`. AS sets another name; with a range of rows, `_p<n>` is appended to it. The first rows get no value.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The field to copy."},
			{Name: "AS <new-field>", Default: "<field>_p<n>", Doc: "The field to write."},
			{Name: "p", Default: "1", Doc: "How many rows back, or a range: `p=1-3`. At most 10,000."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
4
9" | autoregress n p=1-2`,
			Want: []string{`{"n":"1"}`, `{"n":"4","n_p1":"1"}`, `{"n":"9","n_p1":"4","n_p2":"1"}`},
		}},
		Parse: parseAutoregress,
	})
}

func parseAutoregress(p *syntax.Parser) (syntax.Command, error) {
	c := &Autoregress{First: 1, Last: 1}
	for !p.AtEnd() {
		err := p.Options([]string{"p"}, c.back)
		switch {
		case err != nil || p.AtEnd():
		case c.Field == "":
			c.Field, err = p.Field()
		case c.As == "" && p.AcceptWord("as"):
			c.As, err = p.Field()
		default:
			tok, takeErr := p.Take()
			if takeErr != nil {
				return nil, takeErr
			}
			err = p.Unexpected(tok, "AS and a name, or p=<n>")
		}
		if err != nil {
			return nil, err
		}
	}
	if c.Field == "" {
		_, err := p.Field()
		return nil, err
	}
	return c, nil
}

// back reads p=3 or p=1-3.
func (c *Autoregress) back(o syntax.Option) error {
	first, last, isRange := strings.Cut(o.Value.Text, "-")
	if !isRange {
		last = first
	}
	var errFirst, errLast error
	c.First, errFirst = strconv.Atoi(first)
	c.Last, errLast = strconv.Atoi(last)
	c.Range = isRange
	if errFirst != nil || errLast != nil || c.First < 1 || c.Last < c.First || c.Last > maxBack {
		return diag.At(o.Value.Span, "p must be a number of rows or a range such as 1-3, not %q", o.Value.Text).WithHint("from 1 to %d", maxBack)
	}
	return nil
}

// target is the field for the value of n rows before.
func (c *Autoregress) target(n int) string {
	switch {
	case c.As == "":
		return c.Field + "_p" + strconv.Itoa(n)
	case c.Range:
		return c.As + "_p" + strconv.Itoa(n)
	}
	return c.As
}

// Print implements syntax.Command.
func (c *Autoregress) Print() string {
	s := "autoregress " + syntax.PrintField(c.Field)
	if c.As != "" {
		s += " AS " + syntax.PrintField(c.As)
	}
	if c.Range {
		return s + " p=" + strconv.Itoa(c.First) + "-" + strconv.Itoa(c.Last)
	}
	return s + " p=" + strconv.Itoa(c.First)
}

// Needs implements syntax.Command.
func (c *Autoregress) Needs(out filter.FieldSet) filter.FieldSet {
	for n := c.First; n <= c.Last; n++ {
		out = out.Without(c.target(n))
	}
	return out.Add(c.Field)
}

// Open implements exec.Serial.
func (c *Autoregress) Open(_ context.Context, _ *exec.Env, in exec.Operator) (exec.Operator, error) {
	return exec.Mapped(in, &autoregress{c: c}), nil
}

type autoregress struct {
	c    *Autoregress
	last []vector.Value // at most Last, oldest first
}

// Map implements exec.Mapper.
func (a *autoregress) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	all := append(a.last[:len(a.last):len(a.last)], op.Present(b, a.c.Field)...)
	var cols []*vector.Column
	for n := a.c.First; n <= a.c.Last; n++ {
		vals := make([]vector.Value, b.Len)
		for i := range vals {
			if at := len(a.last) + i - n; at >= 0 {
				vals[i] = all[at]
			}
		}
		cols = append(cols, vector.NewColumn(a.c.target(n), vals))
	}
	a.last = nil
	for _, v := range all[max(0, len(all)-a.c.Last):] {
		a.last = append(a.last, v.Clone())
	}
	return b.With(cols...), nil
}
