package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Fieldformat says how a field is shown. The rows keep its value; whoever runs
// the search puts Formatted behind its last command.
type Fieldformat struct {
	Field string
	Expr  spl.Expr
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "fieldformat", Kind: spl.KindStreaming,
		Summary: "Show a field as an expression says, and keep its value for the commands that follow.",
		Syntax:  "fieldformat <field>=<expression>",
		Doc: "The expression is computed from the rows of the result, so all fields it reads must be in them. Every output format\n" +
			"shows its text. What follows in the search (sort, where, outputlookup …) sees the values; a field that is renamed later, or\n" +
			"made anew by stats and its kin, is shown as it is.",
		Args: []spl.Arg{{Name: "<field>=<expression>", Doc: "The field and what to show in its place; the rules are those of eval."}},
		Examples: []spl.Example{{
			Search: `| makeresults format=csv data="u,n
a,900
b,12000" | fieldformat n=tostring(n, "commas") | sort - n`,
			Want: []string{`{"u":"b","n":"12,000"}`, `{"u":"a","n":"900"}`},
		}},
		Parse: parseFieldformat,
	})
}

func parseFieldformat(p *spl.Parser) (spl.Command, error) {
	tok, err := p.TakeTarget()
	if err != nil {
		return nil, err
	}
	name := strings.Trim(tok.Text, "'")
	if tok.Kind != spl.Word && tok.Kind != spl.Quoted || name == "" {
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
	if e := c.Expr; spl.Gives(e) == spl.GivesTest {
		return nil, diag.At(e.Place(), "a test cannot be shown").WithHint(`wrap it: if(%s, "true", "false")`, spl.PrintExpr(e))
	}
	return c, p.AfterExpr("an operator or the end")
}

// Print implements spl.Command.
func (c *Fieldformat) Print() string {
	return "fieldformat " + spl.PrintTarget(c.Field) + "=" + spl.PrintExpr(c.Expr)
}

// Needs implements spl.Command.
func (c *Fieldformat) Needs(out spl.FieldSet) spl.FieldSet {
	return out.Add(spl.ExprFields(c.Expr)...)
}

// Check implements spl.Checked.
func (c *Fieldformat) Check() error { return spl.CheckExpr(c.Expr) }

// NewMapper implements spl.Streaming.
func (c *Fieldformat) NewMapper(env *spl.Env) (spl.Mapper, error) {
	_, err := spl.Compile(c.Expr, env) // what is wrong with it shows before there are rows
	return c, err
}

// Map implements spl.Mapper: the field is there from now on.
func (c *Fieldformat) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	if b.Col(c.Field) != nil {
		return b, nil
	}
	return b.With(vector.Constant(c.Field, vector.Value{})), nil
}

// Formatted returns the rows of in as the formats show them; of several for a
// field the last holds. formats is asked for with every batch, since commands
// may come up with some while they run.
func Formatted(env *spl.Env, in spl.Operator, formats func() []*Fieldformat) spl.Operator {
	return &formatted{env: env, in: in, formats: formats, progs: map[*Fieldformat]*spl.Program{}}
}

type formatted struct {
	env     *spl.Env
	in      spl.Operator
	formats func() []*Fieldformat
	progs   map[*Fieldformat]*spl.Program
}

func (f *formatted) Close() { f.in.Close() }

func (f *formatted) Next(ctx context.Context) (*vector.Batch, error) {
	b, err := f.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	var cols []*vector.Column
	for _, c := range f.formats() {
		if b.Col(c.Field) == nil {
			continue
		}
		prog := f.progs[c]
		if prog == nil {
			if prog, err = spl.Compile(c.Expr, f.env); err != nil {
				return nil, err
			}
			f.progs[c] = prog
		}
		vals := make([]vector.Value, b.Len)
		for i := range vals {
			if vals[i] = prog.Value(b, i); vals[i].Kind() == vector.Bool {
				vals[i] = vector.String(vals[i].Text())
			}
		}
		cols = append(cols, vector.NewColumn(c.Field, vals))
	}
	if len(cols) == 0 {
		return b, nil
	}
	return b.With(cols...), nil
}
