package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Search keeps the rows that pass a search expression. At the front of a
// search the store answers it.
type Search struct{ Expr filter.Expr }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "search", Kind: syntax.KindStreaming,
		Summary: "Keep the events or rows that match an expression.",
		Syntax:  "search <expression>",
		Doc: `Values are compared without case, ` + "`*`" + ` stands for any run of characters, a value such as
` + "`10.0.0.0/8`" + ` matches every address inside. OR binds tighter than AND, NOT takes the next term only.
A field with several values matches when any of them does; ` + "`field!=value`" + ` needs the field to be there,
` + "`NOT field=value`" + ` does not. Words and quoted phrases are looked for in ` + "`_raw`" + ` as whole words. Times:
` + "`earliest=-7d@d latest=now`" + `; earliest is inclusive, latest exclusive. The older modifiers (` + "`daysago=3`, `starttime=`, `searchtimespanhours=`, `timeformat=`" + ` …) are there too. A subsearch in ` + "`[ ]`" + ` runs first and
its rows become part of the expression.`,
		Args: []syntax.Arg{{Name: "<expression>", Doc: "Terms, phrases and comparisons with AND, OR, NOT and parentheses."}},
		Examples: []syntax.Example{{
			Doc:    "Failed console logins, whatever the case they are written in.",
			Events: []string{`{"k":"a","eventName":"ConsoleLogin","errorMessage":"Failed authentication"}`, `{"k":"b","eventName":"ConsoleLogin"}`, `{"k":"c","eventName":"GetObject"}`},
			Search: `eventName=consolelogin errorMessage=* | table k`,
			Want:   []string{`{"k":"a"}`},
		}, {
			Doc:    "OR before AND: the first term holds for both alternatives.",
			Events: []string{`{"k":"a","x":"1","y":"1"}`, `{"k":"b","x":"2","y":"2"}`, `{"k":"c","x":"1","y":"3"}`},
			Search: `x=1 y=1 OR y=2 | table k`,
			Want:   []string{`{"k":"a"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			e, err := p.SearchExpr()
			return &Search{e}, err
		},
	})
}

// Print implements syntax.Command.
func (c *Search) Print() string { return "search " + filter.Print(c.Expr) }

// Needs implements syntax.Command.
func (c *Search) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Add(filter.FieldsOf(c.Expr)...)
}

// Resolve implements syntax.Resolving.
func (c *Search) Resolve(text func(*syntax.Query) (string, error)) (syntax.Command, error) {
	e, err := syntax.ResolveSearch(c.Expr, text)
	return &Search{e}, err
}

// Filter implements exec.Filtering.
func (c *Search) Filter() filter.Expr { return c.Expr }

// WithFilter implements exec.Filtering.
func (c *Search) WithFilter(e filter.Expr) syntax.Command { return &Search{e} }

// Subsearches implements syntax.Resolving.
func (c *Search) Subsearches() []*syntax.Query { return syntax.SearchQueries(c.Expr) }

// NewMapper implements exec.Streaming.
func (c *Search) NewMapper(env *exec.Env) (exec.Mapper, error) {
	m, err := filter.NewMatcher(c.Expr, env.Now.In(env.Zone))
	return selector{m}, err
}

type selector struct{ m *filter.Matcher }

func (f selector) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	return f.m.Filter(b), nil
}
