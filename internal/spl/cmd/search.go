package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Search keeps the rows that match a search expression. The store evaluates it
// if it is the first command.
type Search struct{ Expr filter.Expr }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "search", Kind: syntax.KindStreaming,
		Summary: "Keep the events or rows that match an expression.",
		Syntax:  "search <expression>",
		Doc: "Comparisons ignore case, `*` matches any run of characters, and a value such as `10.0.0.0/8` matches every address in\n" +
			"the block. OR binds tighter than AND; NOT applies only to the next term. A multivalue field matches when any of its\n" +
			"values does. `field!=value` requires the field to exist; `NOT field=value` does not. Words and quoted phrases are\n" +
			"matched in `_raw` as whole words. Times: `earliest=-7d@d latest=now`; earliest is inclusive, latest exclusive. The\n" +
			"older modifiers (`daysago=3`, `starttime=`, `searchtimespanhours=`, `timeformat=` …) work too. A subsearch in `[ ]`\n" +
			"runs first, and its rows become part of the expression.",
		Args: []syntax.Arg{{Name: "<expression>", Doc: "Terms, phrases and comparisons with AND, OR, NOT and parentheses."}},
		Examples: []syntax.Example{{
			Doc:    "Failed console logins, in any letter case.",
			Events: []string{`{"k":"a","eventName":"ConsoleLogin","errorMessage":"Failed authentication"}`, `{"k":"b","eventName":"ConsoleLogin"}`, `{"k":"c","eventName":"GetObject"}`},
			Search: `eventName=consolelogin errorMessage=* | table k`,
			Want:   []string{`{"k":"a"}`},
		}, {
			Doc:    "OR before AND: the first term applies to both alternatives.",
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

func (f selector) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	rows, err := selected(ctx, b, f.m.Select)
	if err != nil || len(rows) == b.Len {
		return b, err
	}
	return b.Pick(rows), nil
}

// selectRows is how many rows are tested between two checks of the context.
const selectRows = 256

// selected returns the rows of a batch that pass the test.
func selected(ctx context.Context, b *vector.Batch, test func(*vector.Batch) []int32) ([]int32, error) {
	if b.Len <= selectRows {
		return test(b), ctx.Err()
	}
	var rows []int32
	for from := 0; from < b.Len; from += selectRows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		for _, i := range test(b.Slice(from, min(from+selectRows, b.Len))) {
			rows = append(rows, int32(from)+i)
		}
	}
	return rows, nil
}
