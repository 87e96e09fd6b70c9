package cmd

import (
	"context"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Eventstats adds the aggregates of its group to every row.
type Eventstats struct{ stats Stats } // not embedded: it is no Transforming command

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "eventstats", Kind: syntax.KindSerial,
		Summary: "Add the aggregates of its group to every row.",
		Syntax:  "eventstats <aggregate> [AS <name>] … [BY <field-list>]",
		Doc:     "Like stats, but keeps all rows, in their order. A row that lacks a BY field does not get the new fields.",
		Args: []syntax.Arg{
			{Name: "<aggregate>", Doc: "As in stats."},
			{Name: "BY <field-list>", Doc: "The fields to group by."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
a,1
b,5
a,3" | eventstats max(n) as most by u | table u n most`,
			Want: []string{`{"u":"a","n":"1","most":"3"}`, `{"u":"b","n":"5","most":"5"}`, `{"u":"a","n":"3","most":"3"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			start := p.Peek().Span
			c, err := parseStats(p)
			if err == nil && c.Span != nil {
				err = diag.At(start, "eventstats takes no span").WithHint("put bin _time span=%s AS bucket before it, and BY bucket", c.Span.Text)
			}
			if err != nil {
				return nil, err
			}
			return &Eventstats{*c}, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Eventstats) Print() string { return c.stats.print("eventstats") }

// Needs implements syntax.Command.
func (c *Eventstats) Needs(out filter.FieldSet) filter.FieldSet {
	for _, a := range c.stats.Aggs {
		if !a.Wild() {
			out = out.Without(a.Name())
		}
	}
	return c.stats.reads(out)
}

// Open implements exec.Serial.
func (c *Eventstats) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	g, err := c.stats.grouper(env)
	return &eventstats{in: in, g: g, rows: op.NewRowBuffer(env), results: map[*op.Group][]vector.Value{}}, err
}

// eventstats holds all rows until the groups are known.
type eventstats struct {
	in   exec.Operator
	g    *op.Grouper
	rows op.RowBuffer
	read bool

	results map[*op.Group][]vector.Value
}

func (e *eventstats) Close() {
	e.in.Close()
	e.g.Release()
	e.rows.Close()
}

func (e *eventstats) Next(ctx context.Context) (*vector.Batch, error) {
	if !e.read {
		e.read = true
		err := exec.Drain(ctx, e.in, func(b *vector.Batch) error {
			if err := e.rows.Add(b); err != nil {
				return err
			}
			return e.g.Add(b)
		})
		if err != nil {
			return nil, err
		}
	}
	b, err := e.rows.Next()
	if err != nil {
		return nil, err
	}
	return e.attach(b)
}

func (e *eventstats) attach(b *vector.Batch) (*vector.Batch, error) {
	shown := e.g.SlotOrder()
	vals := make([][]vector.Value, len(shown))
	for i, n := range shown {
		vals[i] = op.Present(b, e.g.SlotName(n))
	}
	if err := e.g.Assign(b); err != nil {
		return nil, err
	}
	err := e.g.EachMember(func(row int, grp *op.Group) error {
		r, err := e.of(grp, shown)
		for i, v := range r {
			vals[i][row] = v
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	cols := make([]*vector.Column, len(vals))
	for i, n := range shown {
		cols[i] = vector.NewColumn(e.g.SlotName(n), vals[i])
	}
	return b.With(cols...), nil
}

// of returns the results of a group and computes them once.
func (e *eventstats) of(grp *op.Group, shown []int) ([]vector.Value, error) {
	if r, ok := e.results[grp]; ok {
		return r, nil
	}
	r := e.g.Finish(grp, shown)
	e.results[grp] = r
	size := 64
	for _, v := range r {
		size += v.Size()
	}
	return r, e.g.Held.Add(size)
}
