package cmd

import (
	"context"
	"io"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Head keeps the first rows: a fixed number, or those before an expression
// fails.
type Head struct {
	N        int         // with Expr: maximum, 0 = no limit
	Expr     syntax.Expr // nil: N rows
	KeepLast bool
	Null     bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "head", Kind: syntax.KindSerial,
		Summary: "Keep the first rows.",
		Syntax:  "head [<n> | limit=<n>] [<eval-expression>] [null=<bool>] [keeplast=<bool>]",
		Doc: "With a number, keeps that many rows; with an expression, the rows before the first one for which it is not true; with\n" +
			"both, no more than the number. A null result stops as well unless `null=true`. `keeplast=true` also returns the row\n" +
			"that stopped it. The search reads no more than it needs.",
		Args: []syntax.Arg{
			{Name: "<n>", Default: "10 without an expression", Doc: "Number of rows."},
			{Name: "<eval-expression>", Doc: "The condition that rows must meet."},
			{Name: "null", Default: "false", Doc: "Whether a row passes when the expression is null."},
			{Name: "keeplast", Default: "false", Doc: "Whether to keep the row that stopped it."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="n
1
2
3" | head 2 | table n`,
			Want: []string{`{"n":"1"}`, `{"n":"2"}`},
		}},
		Parse: parseHead,
	})
}

func parseHead(p *syntax.Parser) (syntax.Command, error) {
	c := &Head{}
	given := false
	for !p.AtEnd() {
		start := p.Pos()
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		switch {
		case ok && o.Name == "limit":
			given = true
			c.N, err = o.Int(0)
		case ok && o.Name == "null":
			c.Null, err = o.Bool()
		case ok && o.Name == "keeplast":
			c.KeepLast, err = o.Bool()
		default:
			p.Reset(start)
			var number bool
			number, err = c.count(p)
			given = given || number
		}
		if err != nil {
			return nil, err
		}
	}
	if !given && c.Expr == nil {
		c.N = 10
	}
	return c, nil
}

// count reads a number or an expression and reports whether it was a number.
func (c *Head) count(p *syntax.Parser) (number bool, err error) {
	tok := p.Peek()
	if n, err := strconv.Atoi(tok.Text); err == nil && tok.Kind == syntax.Word {
		if n < 0 {
			return true, diag.At(tok.Span, "head needs a number of at least 0")
		}
		c.N = n
		_, err = p.Take()
		return true, err
	}
	if c.Expr != nil {
		return false, p.Unexpected(tok, "one expression")
	}
	c.Expr, err = p.Expr()
	return false, err
}

// Rows returns the maximum number of rows kept, 0 if unknown.
func (c *Head) Rows() int {
	if c.Expr != nil {
		return 0
	}
	return c.N
}

// Print implements syntax.Command.
func (c *Head) Print() string {
	s := "head"
	if c.Expr == nil || c.N > 0 {
		s += " " + strconv.Itoa(c.N)
	}
	if c.Expr != nil {
		s += " (" + syntax.PrintExpr(c.Expr) + ")"
	}
	if c.Null {
		s += " null=true"
	}
	if c.KeepLast {
		s += " keeplast=true"
	}
	return s
}

// Check implements syntax.Checked.
func (c *Head) Check() error { return expr.CheckTest(c.Expr) }

// Needs implements syntax.Command.
func (c *Head) Needs(out filter.FieldSet) filter.FieldSet {
	if c.Expr == nil {
		return out
	}
	return out.Add(expr.ExprFields(c.Expr)...)
}

// Open implements exec.Serial.
func (c *Head) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	h := &head{in: in, c: c, left: c.N}
	if c.Expr != nil {
		var err error
		if h.test, err = expr.CompileTest(c.Expr, env); err != nil {
			return nil, err
		}
	}
	return h, nil
}

type head struct {
	in   exec.Operator
	c    *Head
	left int
	test *expr.Program
	done bool
}

func (h *head) Close() { h.in.Close() }

func (h *head) Next(ctx context.Context) (*vector.Batch, error) {
	if h.done || h.test == nil && h.left == 0 {
		h.in.Close()
		return nil, io.EOF
	}
	b, err := h.in.Next(ctx)
	if err != nil {
		return nil, err
	}
	if h.test == nil {
		n := min(h.left, b.Len)
		h.left -= n
		return b.Slice(0, n), nil
	}
	if h.c.N > 0 && b.Len >= h.left {
		b, h.done = b.Slice(0, h.left), true
	}
	h.left -= b.Len
	for i := range b.Len {
		v := h.test.Value(b, i)
		if v.True() || v.IsNull() && h.c.Null {
			continue
		}
		h.done = true
		if h.c.KeepLast {
			i++
		}
		return b.Slice(0, i), nil
	}
	return b, nil
}
