package cmd

import (
	"context"
	"regexp"
	"strings"
	"unicode"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Eval sets fields to the values of expressions.
type Eval struct{ Sets []Assignment }

// Assignment is one field=expression of eval.
type Assignment struct {
	Field   string
	Dynamic bool // {name} inside Field stands for the value of the field name
	Expr    syntax.Expr
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "eval", Kind: syntax.KindStreaming,
		Summary: "Compute fields from expressions.",
		Syntax:  "eval <field>=<expression> [, <field>=<expression>]…",
		Doc: "Assignments run from left to right, and later ones see earlier ones. A null result removes the field. `{name}=…` sets\n" +
			"the field named by the value of `name`. Put field names that contain anything but letters, digits and _ in single\n" +
			"quotes inside expressions; double quotes make a string.",
		Args: []syntax.Arg{{Name: "<field>=<expression>", Doc: "The field to set and its value."}},
		Examples: []syntax.Example{{
			Doc:    "Arithmetic and text.",
			Search: `| makeresults | eval a=6/2, b="n=".a | table a b`,
			Want:   []string{`{"a":"3","b":"n=3"}`},
		}},
		Parse: parseEval,
	})
}

func parseEval(p *syntax.Parser) (syntax.Command, error) {
	c := &Eval{}
	for {
		tok, err := p.TakeTarget()
		if err != nil {
			return nil, err
		}
		if tok.Kind != syntax.Word && tok.Kind != syntax.Quoted || strings.Trim(tok.Text, "'") == "" {
			return nil, p.Unexpected(tok, "the name of the field to set")
		}
		set := Assignment{Field: strings.Trim(tok.Text, "'")}
		set.Dynamic = inName.MatchString(tok.Text)
		if eq, err := p.Take(); err != nil || !eq.Is("=") {
			if err == nil {
				err = diag.At(eq.Span, "eval needs field=expression; = is missing after %q", tok.Text)
			}
			return nil, err
		}
		if set.Expr, err = p.Expr(); err != nil {
			return nil, err
		}
		if e := set.Expr; expr.Gives(e) == syntax.GivesTest {
			return nil, diag.At(e.Place(), "a Boolean cannot be stored in a field").WithHint(`wrap it: if(%s, "true", "false")`, syntax.PrintExpr(e))
		}
		if err := p.AfterExpr("an operator, a comma or the end"); err != nil {
			return nil, err
		}
		if c.Sets = append(c.Sets, set); len(c.Sets) > syntax.MaxNames {
			return nil, diag.At(tok.Span, "eval accepts at most %d assignments", syntax.MaxNames)
		}
		comma := false
		for p.Accept(",") {
			comma = true
		}
		if !comma || p.AtEnd() {
			return c, nil
		}
	}
}

// Sourceless tells the planner that a search may begin with eval.
func (c *Eval) Sourceless() {}

// Print implements syntax.Command.
func (c *Eval) Print() string {
	parts := make([]string, len(c.Sets))
	for i, s := range c.Sets {
		name := syntax.PrintTarget(s.Field)
		if s.Dynamic && !strings.ContainsFunc(s.Field, func(r rune) bool {
			return !strings.ContainsRune("{}_.", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) {
			name = s.Field
		}
		parts[i] = name + "=" + syntax.PrintExpr(s.Expr)
	}
	return "eval " + strings.Join(parts, ", ")
}

// Exprs returns the expressions of the assignments.
func (c *Eval) Exprs() (list []syntax.Expr) {
	for _, s := range c.Sets {
		list = append(list, s.Expr)
	}
	return list
}

// Needs implements syntax.Command.
func (c *Eval) Needs(out filter.FieldSet) filter.FieldSet {
	for i := len(c.Sets) - 1; i >= 0; i-- {
		s := c.Sets[i]
		if s.Dynamic {
			for _, in := range inName.FindAllStringSubmatch(s.Field, -1) {
				out = out.Add(in[1])
			}
		} else {
			out = out.Without(s.Field)
		}
		out = out.Add(expr.ExprFields(s.Expr)...)
	}
	return out
}

// Check implements syntax.Checked.
func (c *Eval) Check() error {
	for _, s := range c.Sets {
		if err := expr.CheckExpr(s.Expr); err != nil {
			return err
		}
	}
	return nil
}

// NewMapper implements exec.Streaming.
func (c *Eval) NewMapper(env *exec.Env) (exec.Mapper, error) {
	m := &eval{sets: c.Sets, progs: make([]*expr.Program, len(c.Sets))}
	for i, s := range c.Sets {
		var err error
		if m.progs[i], err = expr.Compile(s.Expr, env); err != nil {
			return nil, err
		}
	}
	return m, nil
}

type eval struct {
	sets  []Assignment
	progs []*expr.Program
}

func (m *eval) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	for n, s := range m.sets {
		col, err := m.progs[n].Column(s.Field, b)
		switch {
		case err != nil:
			return nil, err
		case s.Dynamic:
			b = setDynamic(b, s.Field, col)
		default:
			b = b.With(col)
		}
	}
	return b, nil
}

// inName finds the fields whose values are part of a field name.
var inName = regexp.MustCompile(`\{([^{}]+)\}`)

// nameOf returns the name for row i with the values filled in, "" if one is missing.
func nameOf(b *vector.Batch, template string, i int) string {
	whole := true
	name := inName.ReplaceAllStringFunc(template, func(in string) string {
		value := b.At(in[1:len(in)-1], i).Text()
		whole = whole && value != ""
		return value
	})
	if !whole {
		return ""
	}
	return name
}

// setDynamic writes each value to the column that other fields name.
func setDynamic(b *vector.Batch, field string, vals *vector.Column) *vector.Batch {
	var order []string
	cols := map[string][]vector.Value{}
	for i := range b.Len {
		name := nameOf(b, field, i)
		if name == "" {
			continue
		}
		if cols[name] == nil {
			order = append(order, name)
			cols[name] = make([]vector.Value, b.Len)
			if old := b.Col(name); old != nil {
				for j := range cols[name] {
					cols[name][j] = old.At(j)
				}
			}
		}
		cols[name][i] = vals.At(i)
	}
	set := op.Set(b)
	for _, name := range order {
		set.With(vector.NewColumn(name, cols[name]))
	}
	return set.Batch()
}
