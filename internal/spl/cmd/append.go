package cmd

import (
	"context"
	"io"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Append puts the rows of a subsearch behind the main ones.
type Append struct {
	options subOptions
	Query   *spl.Query
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "append", Kind: spl.KindGenerating,
		Summary: "Put the rows of a subsearch behind those there are.",
		Syntax:  "append [maxout=<n>] [maxtime=<seconds>] [<subsearch>]",
		Doc: "The subsearch runs over the time range of the search and does not see the rows before it. A search that begins with\n" +
			"append has those of the subsearch alone.",
		Args: append([]spl.Arg{{Name: "<subsearch>", Doc: "A search in brackets."}}, subOptionArgs...),
		Examples: []spl.Example{{
			Search: `| makeresults | eval a=1 | append [| makeresults | eval a=2] | table a`,
			Want:   []string{`{"a":"1"}`, `{"a":"2"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			c := &Append{}
			err := p.Options(subOptionNames, c.options.set)
			if err == nil {
				c.Query, err = p.Subsearch()
			}
			if err == nil {
				err = p.Options(subOptionNames, c.options.set)
			}
			return c, err
		},
	})
}

// Print implements spl.Command.
func (c *Append) Print() string {
	return "append " + c.options.print() + "[" + c.Query.String() + "]"
}

// Needs implements spl.Command.
func (c *Append) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Queries implements spl.WithQueries.
func (c *Append) Queries() []*spl.Query { return []*spl.Query{c.Query} }

// Generate implements spl.Generating: there are no rows before it.
func (c *Append) Generate(_ context.Context, env *spl.Env) (spl.Operator, error) {
	return c.options.open(env, c.Query, "append"), nil
}

// Open implements spl.Serial.
func (c *Append) Open(_ context.Context, env *spl.Env, in spl.Operator) (spl.Operator, error) {
	return &chain{parts: []spl.Operator{in, c.options.open(env, c.Query, "append")}}, nil
}

// chain hands out the rows of one operator after the other.
type chain struct{ parts []spl.Operator }

func (c *chain) Next(ctx context.Context) (*vector.Batch, error) {
	for len(c.parts) > 0 {
		b, err := c.parts[0].Next(ctx)
		if err != io.EOF {
			return b, err
		}
		c.parts[0].Close()
		c.parts = c.parts[1:]
	}
	return nil, io.EOF
}

// later opens its operator when the first row is asked for.
type later struct {
	open func(context.Context) (spl.Operator, error)
	op   spl.Operator
}

func (l *later) Next(ctx context.Context) (*vector.Batch, error) {
	if l.op == nil {
		op, err := l.open(ctx)
		if err != nil {
			return nil, err
		}
		l.op = op
	}
	return l.op.Next(ctx)
}

func (l *later) Close() {
	if l.op != nil {
		l.op.Close()
	}
}

func (c *chain) Close() {
	for _, p := range c.parts {
		p.Close()
	}
	c.parts = nil
}
