package cmd

import (
	"context"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl"
)

// Multisearch puts the events of several searches together.
type Multisearch struct{ queries []*spl.Query }

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "multisearch", Kind: spl.KindGenerating,
		Summary: "Put the events of several searches together, newest first.",
		Syntax:  "multisearch [<subsearch>] [<subsearch>]…",
		Doc:     "The searches may hold only commands that treat each event by itself. Nothing is cut off.",
		Args:    []spl.Arg{{Name: "<subsearch>", Doc: "A search in brackets; at least two."}},
		Examples: []spl.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000001,"k":"b"}`, `{"_time":1700000002,"k":"a"}`},
			Search: `| multisearch [search k=a | eval from="x"] [search k=b | eval from="y"] | table k from`,
			Want:   []string{`{"k":"a","from":"x"}`, `{"k":"b","from":"y"}`, `{"k":"a","from":"x"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			list, err := subsearches(p, 2)
			if err != nil {
				return nil, err
			}
			for _, q := range list {
				if ok, name := eventsOnly(q); !ok {
					return nil, diag.At(q.Span, "multisearch takes no search with %s in it", name).WithHint("use union or append")
				}
			}
			return &Multisearch{list}, nil
		},
	})
}

// Print implements spl.Command.
func (c *Multisearch) Print() string { return "multisearch " + printSubsearches(c.queries) }

// Needs implements spl.Command.
func (c *Multisearch) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Queries implements spl.WithQueries.
func (c *Multisearch) Queries() []*spl.Query { return c.queries }

// Generate implements spl.Generating.
func (c *Multisearch) Generate(_ context.Context, env *spl.Env) (spl.Operator, error) {
	m := &merged{}
	for _, q := range c.queries {
		m.parts = append(m.parts, &later{open: func(ctx context.Context) (spl.Operator, error) { return env.Run(ctx, q) }})
	}
	return m, nil
}
