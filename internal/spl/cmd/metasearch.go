package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Metasearch finds events and returns their origin fields.
type Metasearch struct{ Expr filter.Expr }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "metasearch", Kind: syntax.KindGenerating,
		Summary: "Find events and return only their time and origin.",
		Syntax:  "metasearch [<search-expression>]",
		Doc:     "The events have `_time`, `host`, `index`, `source`, `sourcetype` and `splunk_server`. The search expression may use any field.",
		Args:    []syntax.Arg{{Name: "<search-expression>", Doc: "As in search; without one, every event matches."}},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000007,"k":"b"}`},
			Search: `| metasearch k=b | table _time host index k`,
			Want:   []string{`{"_time":"1700000007","host":"aws","index":"aws"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			if p.AtEnd() {
				return &Metasearch{&filter.Everything{}}, nil
			}
			e, err := p.SearchExpr()
			return &Metasearch{e}, err
		},
	})
}

// Print implements syntax.Command.
func (c *Metasearch) Print() string { return "metasearch " + filter.Print(c.Expr) }

// Needs implements syntax.Command.
func (c *Metasearch) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Subsearches implements syntax.Resolving.
func (c *Metasearch) Subsearches() []*syntax.Query { return syntax.SearchQueries(c.Expr) }

// Resolve implements syntax.Resolving.
func (c *Metasearch) Resolve(text func(*syntax.Query) (string, error)) (syntax.Command, error) {
	e, err := syntax.ResolveSearch(c.Expr, text)
	return &Metasearch{e}, err
}

// Generate implements exec.Generating.
func (c *Metasearch) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	return run(ctx, env, "search "+filter.Print(c.Expr)+" | fields _time host index source sourcetype splunk_server | fields - _raw")
}
