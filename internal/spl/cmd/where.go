package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Where keeps the rows for which an eval expression is true.
type Where struct{ Expr spl.Expr }

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "where", Kind: spl.KindStreaming,
		Summary: "Keep the rows for which an expression is true.",
		Syntax:  "where <eval-expression>",
		Doc: `The expression language of eval: case counts, bare names are fields, ` + "`*`" + ` is no wildcard (use like or
match), AND binds tighter than OR. A comparison with a missing field is neither true nor false, and the row goes.`,
		Args: []spl.Arg{{Name: "<eval-expression>", Doc: "A test over the fields of the row."}},
		Examples: []spl.Example{{
			Doc:    "Two fields compared with each other.",
			Events: []string{`{"k":"a","x":"1","y":"1"}`, `{"k":"b","x":"1","y":"2"}`, `{"k":"c","x":"1"}`},
			Search: `* | where x!=y | table k`,
			Want:   []string{`{"k":"b"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			e, err := p.Expr()
			if err == nil {
				err = p.AfterExpr("an operator or the end")
			}
			return &Where{e}, err
		},
	})
}

// Print implements spl.Command.
func (c *Where) Print() string { return "where " + spl.PrintExpr(c.Expr) }

// Needs implements spl.Command.
func (c *Where) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(spl.ExprFields(c.Expr)...) }

// Resolve implements spl.Resolving.
func (c *Where) Resolve(text func(*spl.Query) (string, error)) (spl.Command, error) {
	e, err := spl.ResolveExpr(c.Expr, text)
	return &Where{e}, err
}

// Subsearches implements spl.Resolving.
func (c *Where) Subsearches() []*spl.Query { return spl.ExprQueries(c.Expr) }

// Check implements spl.Checked.
func (c *Where) Check() error { return spl.CheckTest(c.Expr) }

// NewMapper implements spl.Streaming.
func (c *Where) NewMapper(env *spl.Env) (spl.Mapper, error) {
	prog, err := spl.CompileTest(c.Expr, env)
	return &where{prog}, err
}

type where struct{ prog *spl.Program }

func (w *where) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	rows := w.prog.Select(b)
	if len(rows) == b.Len {
		return b, nil
	}
	return b.Pick(rows), nil
}
