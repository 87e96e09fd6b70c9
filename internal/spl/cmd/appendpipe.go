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

// Appendpipe runs a pipeline over the rows and adds its results after them.
type Appendpipe struct{ Query *syntax.Query }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "appendpipe", Kind: syntax.KindSerial,
		Summary: "Run commands on the current rows and append the result, such as subtotals.",
		Syntax:  "appendpipe [run_in_preview=<bool>] [<command> | <command>…]",
		Args: []syntax.Arg{
			{Name: "<command>", Doc: "Commands in brackets, which run on the current rows."},
			{Name: "run_in_preview", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
a,1
b,5" | appendpipe [stats sum(n) as n | eval u="all"] | table u n`,
			Want: []string{`{"u":"a","n":"1"}`, `{"u":"b","n":"5"}`, `{"u":"all","n":"6"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			err := p.Options([]string{"run_in_preview"}, func(o syntax.Option) error {
				_, err := o.Bool()
				return err
			})
			if err != nil {
				return nil, err
			}
			q, err := p.Subpipeline()
			if err != nil {
				return nil, err
			}
			for _, st := range q.Stages {
				_, begins := st.Cmd.(exec.Generating)
				if _, also := st.Cmd.(exec.Serial); begins && !also {
					return nil, diag.At(st.Span, "%s generates its own rows and cannot use those of appendpipe", st.Def.Name).WithHint("append [| %s …]", st.Def.Name)
				}
			}
			return &Appendpipe{q}, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Appendpipe) Print() string { return "appendpipe [" + c.Query.String() + "]" }

// Needs implements syntax.Command.
func (c *Appendpipe) Needs(out filter.FieldSet) filter.FieldSet {
	inner := out
	for i := len(c.Query.Stages) - 1; i >= 0; i-- {
		inner = c.Query.Stages[i].Cmd.Needs(inner)
	}
	return out.Union(inner)
}

// Open implements exec.Serial.
func (c *Appendpipe) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		more, err := env.Pipe(ctx, c.Query, exec.Rows(rows...))
		if err != nil {
			return nil, err
		}
		return &op.Chain{Parts: []exec.Operator{exec.Rows(rows...), more}}, nil
	}), nil
}
