package cmd

import (
	"context"
	"io"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Return returns values of the first rows as a search expression.
type Return struct {
	Count  int
	Values []ReturnValue
}

// ReturnValue is one field of return: f, name=f or $f.
type ReturnValue struct {
	Name  string // "" for $f, which returns only the value
	Field string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "return", Kind: syntax.KindSerial,
		Summary: "Return values of the first rows to the outer search.",
		Syntax:  "return [<count>] <field> | <name>=<field> | $<field> …",
		Doc: "The result is one row whose field `search` holds the expression. `$field` returns the value without the field name.\n" +
			"Without rows, the expression is `NOT ( )`, which matches nothing.",
		Args: []syntax.Arg{
			{Name: "<count>", Default: "1", Doc: "Number of rows."},
			{Name: "<field>", Doc: "Returns `field=\"value\"`; `name=field` returns it under another name, `$field` returns the bare value."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,ip
a,10.0.0.1
b,10.0.0.2" | return 2 user=u ip`,
			Want: []string{`{"search":"(user=\"a\" ip=\"10.0.0.1\") OR (user=\"b\" ip=\"10.0.0.2\")"}`},
		}, {
			Search: `| makeresults | eval n=5 | return $n`,
			Want:   []string{`{"search":"5"}`},
		}},
		Parse: parseReturn,
	})
}

func parseReturn(p *syntax.Parser) (syntax.Command, error) {
	c := &Return{Count: 1}
	first := p.Peek()
	if n, err := strconv.Atoi(first.Text); err == nil && first.Kind == syntax.Word {
		if n < 1 {
			return nil, diag.At(first.Span, "return needs a count of at least 1")
		}
		c.Count = n
		p.Reset(first.Span.End)
	}
	for !p.AtEnd() {
		if p.Accept(",") {
			continue
		}
		mark := p.Peek().Span
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if ok {
			end := p.Pos()
			p.Reset(mark.Start)
			name, err := p.Field() // as written, since option names are lowercased
			if err != nil {
				return nil, err
			}
			p.Reset(end)
			c.Values = append(c.Values, ReturnValue{Name: name, Field: o.Value.Text})
			continue
		}
		name, err := p.Field()
		if err != nil {
			return nil, err
		}
		v := ReturnValue{Name: name, Field: name}
		if p.Accept("=") { // the name was quoted
			if v.Field, err = p.Field(); err != nil {
				return nil, err
			}
			c.Values = append(c.Values, v)
			continue
		}
		if bare, ok := strings.CutPrefix(name, "$"); ok && bare != "" {
			v = ReturnValue{Field: bare}
		}
		c.Values = append(c.Values, v)
	}
	if len(c.Values) == 0 {
		return nil, diag.At(p.Peek().Span, "return needs a field")
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Return) Print() string {
	s := "return"
	if c.Count != 1 {
		s += " " + strconv.Itoa(c.Count)
	}
	for _, v := range c.Values {
		switch v.Name {
		case "":
			s += " " + syntax.PrintField("$"+v.Field)
		case v.Field:
			s += " " + syntax.PrintField(v.Field)
		default:
			s += " " + syntax.PrintField(v.Name) + "=" + syntax.PrintOption(v.Field)
		}
	}
	return s
}

// Needs implements syntax.Command.
func (c *Return) Needs(filter.FieldSet) filter.FieldSet {
	need := filter.FieldSet{}
	for _, v := range c.Values {
		need = need.Add(v.Field)
	}
	return need
}

// Tabulates says that the rows are no longer events.
func (c *Return) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Return) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return &returned{c: c, in: in, held: env.Memory.Hold()}, nil
}

type returned struct {
	c    *Return
	in   exec.Operator
	held *exec.Held
	done bool
}

func (r *returned) Close() {
	r.in.Close()
	r.held.Release()
}

func (r *returned) Next(ctx context.Context) (*vector.Batch, error) {
	if r.done {
		return nil, io.EOF
	}
	r.done = true
	var rows []string
	for left := r.c.Count; left > 0; {
		b, err := r.in.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for i := 0; i < b.Len && left > 0; i++ {
			left--
			text := r.c.row(b, i)
			if text == "" {
				continue
			}
			rows = append(rows, text)
			if err := r.held.Add(2 * len(text)); exec.EndsEarly(err) { // including the combined text
				left = 0
			} else if err != nil {
				return nil, err
			}
		}
	}
	text := syntax.DefaultFormat().Empty
	switch {
	case len(rows) == 1 && len(r.c.Values) == 1:
		text = rows[0]
	case len(rows) > 0:
		text = "(" + strings.Join(rows, ") OR (") + ")"
	}
	return oneCell("search", text).Next(ctx)
}

func (c *Return) row(b *vector.Batch, i int) string {
	var parts []string
	for _, v := range c.Values {
		val := b.At(v.Field, i)
		if val.IsNull() {
			continue
		}
		tests := make([]string, val.Len())
		for j := range tests {
			if tests[j] = val.At(j); v.Name != "" {
				tests[j] = filter.PrintTest(v.Name, val.At(j))
			}
		}
		text := strings.Join(tests, " OR ")
		if len(tests) > 1 {
			text = "(" + text + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}
