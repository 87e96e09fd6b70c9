package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl"
)

// Metasearch finds events and gives where they come from.
type Metasearch struct{ Expr filter.Search }

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "metasearch", Kind: spl.KindGenerating,
		Summary: "Find events, and give of each when it was and where it comes from.",
		Syntax:  "metasearch [<search-expression>]",
		Doc:     "The events have `_time`, `host`, `index`, `source`, `sourcetype` and `splunk_server`; they are found by any field.",
		Args:    []spl.Arg{{Name: "<search-expression>", Doc: "As in search; none finds every event."}},
		Examples: []spl.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000007,"k":"b"}`},
			Search: `| metasearch k=b | table _time host index k`,
			Want:   []string{`{"_time":"1700000007","host":"aws","index":"aws"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			if p.AtEnd() {
				return &Metasearch{&filter.Everything{}}, nil
			}
			e, err := p.SearchExpr()
			return &Metasearch{e}, err
		},
	})
}

// Print implements spl.Command.
func (c *Metasearch) Print() string { return "metasearch " + filter.PrintSearch(c.Expr) }

// Needs implements spl.Command.
func (c *Metasearch) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Subsearches implements spl.Resolving.
func (c *Metasearch) Subsearches() []*spl.Query { return spl.SearchQueries(c.Expr) }

// Resolve implements spl.Resolving.
func (c *Metasearch) Resolve(text func(*spl.Query) (string, error)) (spl.Command, error) {
	e, err := spl.ResolveSearch(c.Expr, text)
	return &Metasearch{e}, err
}

// Generate implements spl.Generating.
func (c *Metasearch) Generate(ctx context.Context, env *spl.Env) (spl.Operator, error) {
	return run(ctx, env, "search "+filter.PrintSearch(c.Expr)+" | fields _time host index source sourcetype splunk_server | fields - _raw")
}
