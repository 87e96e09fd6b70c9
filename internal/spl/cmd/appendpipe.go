package cmd

import (
	"context"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Appendpipe puts what a pipeline makes of the rows behind them.
type Appendpipe struct{ Query *spl.Query }

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "appendpipe", Kind: spl.KindSerial,
		Summary: "Put what commands make of the rows, such as subtotals, behind them.",
		Syntax:  "appendpipe [run_in_preview=<bool>] [<command> | <command>…]",
		Args: []spl.Arg{
			{Name: "<command>", Doc: "Commands in brackets; they work on the rows that are there."},
			{Name: "run_in_preview", Doc: "Taken for the sake of searches that have it."},
		},
		Examples: []spl.Example{{
			Search: `| makeresults format=csv data="u,n
a,1
b,5" | appendpipe [stats sum(n) as n | eval u="all"] | table u n`,
			Want: []string{`{"u":"a","n":"1"}`, `{"u":"b","n":"5"}`, `{"u":"all","n":"6"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			err := p.Options([]string{"run_in_preview"}, func(o spl.Option) error {
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
				_, begins := st.Cmd.(spl.Generating)
				if _, also := st.Cmd.(spl.Serial); begins && !also {
					return nil, diag.At(st.Span, "%s gives rows of its own, and cannot work on those of appendpipe", st.Def.Name).WithHint("append [| %s …]", st.Def.Name)
				}
			}
			return &Appendpipe{q}, nil
		},
	})
}

// Print implements spl.Command.
func (c *Appendpipe) Print() string { return "appendpipe [" + c.Query.String() + "]" }

// Needs implements spl.Command.
func (c *Appendpipe) Needs(out filter.FieldSet) filter.FieldSet {
	inner := out
	for i := len(c.Query.Stages) - 1; i >= 0; i-- {
		inner = c.Query.Stages[i].Cmd.Needs(inner)
	}
	return out.Union(inner)
}

// Open implements spl.Serial.
func (c *Appendpipe) Open(_ context.Context, env *spl.Env, in spl.Operator) (spl.Operator, error) {
	return whole(env, in, func(ctx context.Context, rows []*vector.Batch) (spl.Operator, error) {
		more, err := env.Pipe(ctx, c.Query, spl.Rows(rows...))
		if err != nil {
			return nil, err
		}
		return &chain{parts: []spl.Operator{spl.Rows(rows...), more}}, nil
	}), nil
}
