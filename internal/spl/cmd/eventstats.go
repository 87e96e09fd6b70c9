package cmd

import (
	"context"
	"io"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Eventstats puts the aggregates of a row's group beside the row.
type Eventstats struct{ stats Stats } // not embedded: it is no Transforming command

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "eventstats", Kind: spl.KindSerial,
		Summary: "Add the aggregates of its group to every row.",
		Syntax:  "eventstats <aggregate> [AS <name>] … [BY <field-list>]",
		Doc:     "Like stats, but all rows stay, in their order. A row that lacks a field of BY stays without the new fields.",
		Args: []spl.Arg{
			{Name: "<aggregate>", Doc: "As in stats."},
			{Name: "BY <field-list>", Doc: "The fields that make groups."},
		},
		Examples: []spl.Example{{
			Search: `| makeresults format=csv data="u,n
a,1
b,5
a,3" | eventstats max(n) as most by u | table u n most`,
			Want: []string{`{"u":"a","n":"1","most":"3"}`, `{"u":"b","n":"5","most":"5"}`, `{"u":"a","n":"3","most":"3"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			c, err := parseStats(p)
			if err != nil {
				return nil, err
			}
			return &Eventstats{*c}, nil
		},
	})
}

// Print implements spl.Command.
func (c *Eventstats) Print() string { return c.stats.print("eventstats") }

// Needs implements spl.Command.
func (c *Eventstats) Needs(out spl.FieldSet) spl.FieldSet {
	for _, a := range c.stats.Aggs {
		if !a.wild() {
			out = out.Without(a.Name())
		}
	}
	return c.stats.reads(out)
}

// Open implements spl.Serial.
func (c *Eventstats) Open(_ context.Context, env *spl.Env, in spl.Operator) (spl.Operator, error) {
	g, err := newGrouper(env, c.stats.Aggs, c.stats.By)
	return &eventstats{in: in, g: g}, err
}

// eventstats holds all rows, counted against the memory of the search.
type eventstats struct {
	in   spl.Operator
	g    *grouper
	rows []*vector.Batch
	read bool
}

func (e *eventstats) Close() {
	e.in.Close()
	e.g.release()
	e.rows = nil
}

func (e *eventstats) Next(ctx context.Context) (*vector.Batch, error) {
	if !e.read {
		e.read = true
		err := spl.Drain(ctx, e.in, func(b *vector.Batch) error {
			e.rows = append(e.rows, b)
			if err := e.g.hold(b.Size()); err != nil {
				return err
			}
			return e.g.add(b)
		})
		if err != nil {
			return nil, err
		}
	}
	if len(e.rows) == 0 {
		return nil, io.EOF
	}
	b := e.rows[0]
	e.rows = e.rows[1:]
	return e.attach(b)
}

func (e *eventstats) attach(b *vector.Batch) (*vector.Batch, error) {
	vals := make([][]vector.Value, len(e.g.slots))
	for n, s := range e.g.slots {
		vals[n] = make([]vector.Value, b.Len)
		if old := b.Col(s.name); old != nil {
			for i := range b.Len {
				vals[n][i] = old.At(i)
			}
		}
	}
	set := func(i int, grp *group) error {
		e.g.fill(grp)
		for n, a := range grp.aggs {
			vals[n][i] = a.Result()
		}
		return nil
	}
	cols := make([]*vector.Column, len(e.g.by))
	whole := true
	for i, name := range e.g.by {
		cols[i] = b.Col(name)
		whole = whole && cols[i] != nil
	}
	for i := range b.Len {
		switch {
		case e.g.total != nil:
			set(i, e.g.total)
		case whole:
			if err := e.g.each(cols, i, func(grp *group) error { return set(i, grp) }); err != nil {
				return nil, err
			}
		}
	}
	out := make([]*vector.Column, len(vals))
	for n, s := range e.g.slots {
		out[n] = vector.NewColumn(s.name, vals[n])
	}
	return b.With(out...), nil
}
