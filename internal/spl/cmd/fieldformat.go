package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Fieldformat sets how a field is displayed. The rows keep the value itself;
// the caller applies Formatted after the last command.
type Fieldformat struct {
	Field string
	Expr  syntax.Expr
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "fieldformat", Kind: syntax.KindStreaming,
		Summary: "Display a field as an expression says, but keep its value for later commands.",
		Syntax:  "fieldformat <field>=<expression>",
		Doc: "The expression is computed from the rows of the result, so the result must have all fields that it reads. Every output\n" +
			"format shows the formatted text. Later commands (sort, where, outputlookup …) see the original values. A field that is\n" +
			"renamed later, or recreated by stats and similar commands, is shown unformatted.",
		Args: []syntax.Arg{{Name: "<field>=<expression>", Doc: "The field and the expression to display, by the rules of eval."}},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
a,900
b,12000" | fieldformat n=tostring(n, "commas") | sort - n`,
			Want: []string{`{"u":"b","n":"12,000"}`, `{"u":"a","n":"900"}`},
		}},
		Parse: parseFieldformat,
	})
}

func parseFieldformat(p *syntax.Parser) (syntax.Command, error) {
	tok, err := p.TakeTarget()
	if err != nil {
		return nil, err
	}
	name := strings.Trim(tok.Text, "'")
	if tok.Kind != syntax.Word && tok.Kind != syntax.Quoted || name == "" {
		return nil, p.Unexpected(tok, "a field name")
	}
	c := &Fieldformat{Field: name}
	if eq, err := p.Take(); err != nil || !eq.Is("=") {
		if err == nil {
			err = diag.At(eq.Span, "fieldformat needs field=expression; = is missing after %q", name)
		}
		return nil, err
	}
	if c.Expr, err = p.Expr(); err != nil {
		return nil, err
	}
	if e := c.Expr; expr.Gives(e) == syntax.GivesTest {
		return nil, diag.At(e.Place(), "a Boolean cannot be shown").WithHint(`wrap it: if(%s, "true", "false")`, syntax.PrintExpr(e))
	}
	return c, p.AfterExpr("an operator or the end")
}

// Print implements syntax.Command.
func (c *Fieldformat) Print() string {
	return "fieldformat " + syntax.PrintTarget(c.Field) + "=" + syntax.PrintExpr(c.Expr)
}

// Needs implements syntax.Command.
func (c *Fieldformat) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Add(expr.ExprFields(c.Expr)...)
}

// Check implements syntax.Checked.
func (c *Fieldformat) Check() error { return expr.CheckExpr(c.Expr) }

// Format tells the planner how to display the field at the end of the search.
func (c *Fieldformat) Format() (field string, shown syntax.Expr) { return c.Field, c.Expr }

// NewMapper implements exec.Streaming.
func (c *Fieldformat) NewMapper(env *exec.Env) (exec.Mapper, error) {
	_, err := expr.Compile(c.Expr, env) // report errors before the first row
	return c, err
}

// Map implements exec.Mapper. It only ensures that the field exists.
func (c *Fieldformat) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	if b.Col(c.Field) != nil {
		return b, nil
	}
	return b.With(vector.Constant(c.Field, vector.Value{})), nil
}
