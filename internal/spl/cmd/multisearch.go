package cmd

import (
	"context"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
)

// Multisearch combines the events of several searches.
type Multisearch struct{ queries []*syntax.Query }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "multisearch", Kind: syntax.KindGenerating,
		Summary: "Merge the events of several searches, newest first.",
		Syntax:  "multisearch [<subsearch>] [<subsearch>]…",
		Doc:     "The searches may contain only commands that process each event on its own. No events are cut off.",
		Args:    []syntax.Arg{{Name: "<subsearch>", Doc: "A search in brackets; at least two are required."}},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000001,"k":"b"}`, `{"_time":1700000002,"k":"a"}`},
			Search: `| multisearch [search k=a | eval from="x"] [search k=b | eval from="y"] | table k from`,
			Want:   []string{`{"k":"a","from":"x"}`, `{"k":"b","from":"y"}`, `{"k":"a","from":"x"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			list, err := subsearches(p, 2)
			if err != nil {
				return nil, err
			}
			for _, q := range list {
				if ok, name := eventsOnly(q); !ok {
					return nil, diag.At(q.Span, "multisearch does not accept a search with %s", name).WithHint("use union or append")
				}
			}
			return &Multisearch{list}, nil
		},
	})
}

// Print implements syntax.Command.
func (c *Multisearch) Print() string { return "multisearch " + printSubsearches(c.queries) }

// Needs implements syntax.Command.
func (c *Multisearch) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Queries implements syntax.WithQueries.
func (c *Multisearch) Queries() []*syntax.Query { return c.queries }

// Generate implements exec.Generating.
func (c *Multisearch) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	m := &merged{}
	for _, q := range c.queries {
		m.parts = append(m.parts, &op.Pending{Open: func(ctx context.Context) (exec.Operator, error) { return env.Run(ctx, q) }})
	}
	return m, nil
}
