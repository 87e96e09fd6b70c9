package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
)

// Append adds the rows of a subsearch after the main rows.
type Append struct {
	options subOptions
	Query   *syntax.Query
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "append", Kind: syntax.KindGenerating,
		Summary: "Append the rows of a subsearch.",
		Syntax:  "append [maxout=<n>] [maxtime=<seconds>] [<subsearch>]",
		Doc: "The subsearch covers the time range of the search and does not see the rows before it. If append is the first command,\n" +
			"the result is the rows of the subsearch alone.",
		Args: append([]syntax.Arg{{Name: "<subsearch>", Doc: "A search in brackets."}}, subOptionArgs...),
		Examples: []syntax.Example{{
			Search: `| makeresults | eval a=1 | append [| makeresults | eval a=2] | table a`,
			Want:   []string{`{"a":"1"}`, `{"a":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
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

// Print implements syntax.Command.
func (c *Append) Print() string {
	return "append " + c.options.print() + "[" + c.Query.String() + "]"
}

// Needs implements syntax.Command.
func (c *Append) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Queries implements syntax.WithQueries.
func (c *Append) Queries() []*syntax.Query { return []*syntax.Query{c.Query} }

// Generate implements exec.Generating, for an append that has no rows before
// it.
func (c *Append) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	return c.options.open(env, c.Query, "append"), nil
}

// Open implements exec.Serial.
func (c *Append) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return &op.Chain{Parts: []exec.Operator{in, c.options.open(env, c.Query, "append")}}, nil
}
