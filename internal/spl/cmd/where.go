package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Where keeps the rows for which an eval expression is true.
type Where struct{ Expr syntax.Expr }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "where", Kind: syntax.KindStreaming,
		Summary: "Keep rows for which an expression is true.",
		Syntax:  "where <eval-expression>",
		Doc: "Uses the expression language of eval: comparisons are case-sensitive, bare names are fields, `*` is not a wildcard\n" +
			"(use like or match), and AND binds tighter than OR. A comparison with a missing field is neither true nor false, so\n" +
			"the row is dropped.",
		Args: []syntax.Arg{{Name: "<eval-expression>", Doc: "A condition on the fields of the row."}},
		Examples: []syntax.Example{{
			Doc:    "Compare two fields.",
			Events: []string{`{"k":"a","x":"1","y":"1"}`, `{"k":"b","x":"1","y":"2"}`, `{"k":"c","x":"1"}`},
			Search: `* | where x!=y | table k`,
			Want:   []string{`{"k":"b"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			e, err := p.Expr()
			if err == nil {
				err = p.AfterExpr("an operator or the end")
			}
			return &Where{e}, err
		},
	})
}

// Print implements syntax.Command.
func (c *Where) Print() string { return "where " + syntax.PrintExpr(c.Expr) }

// Needs implements syntax.Command.
func (c *Where) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Add(expr.ExprFields(c.Expr)...)
}

// Exprs returns the condition.
func (c *Where) Exprs() []syntax.Expr { return []syntax.Expr{c.Expr} }

// Resolve implements syntax.Resolving.
func (c *Where) Resolve(text func(*syntax.Query) (string, error)) (syntax.Command, error) {
	e, err := syntax.ResolveExpr(c.Expr, text)
	return &Where{e}, err
}

// Subsearches implements syntax.Resolving.
func (c *Where) Subsearches() []*syntax.Query { return syntax.ExprQueries(c.Expr) }

// Check implements syntax.Checked.
func (c *Where) Check() error { return expr.CheckTest(c.Expr) }

// NewMapper implements exec.Streaming.
func (c *Where) NewMapper(env *exec.Env) (exec.Mapper, error) {
	prog, err := expr.CompileTest(c.Expr, env)
	return &where{prog}, err
}

type where struct{ prog *expr.Program }

func (w *where) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	rows := w.prog.Select(b)
	if len(rows) == b.Len {
		return b, nil
	}
	return b.Pick(rows), nil
}
