package cmd

import (
	"context"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spath"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// XPath extracts values from XML with an XPath expression.
type XPath struct {
	Field   string
	Output  string
	Default string
	Given   bool // a default
	expr    string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "xpath", Kind: syntax.KindStreaming,
		Summary: "Extract values from XML with an XPath expression.",
		Syntax:  `xpath [outfield=<field>] [field=<field>] [default=<text>] "<expression>"`,
		Doc: "The expression uses XPath 1.0. Each matching node is a value: an attribute or text as it is; an element as its text\n" +
			"or, if it has child elements, as the XML inside it. A computed result, such as `count(//a)`, is one value. Name\n" +
			"prefixes are matched as written. If nothing is found, the field gets the default, if there is one.",
		Args: []syntax.Arg{
			{Name: "<expression>", Doc: "In double quotes; use single quotes for strings inside it."},
			{Name: "outfield", Default: "xpath", Doc: "The field to set."},
			{Name: "field", Default: "_raw", Doc: "The field that holds the XML."},
			{Name: "default", Doc: "The value when nothing is found."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _raw="<crew><bar nickname='spock'/><bar nickname='scotty'/></crew>" | xpath outfield=name "//bar/@nickname" | table name`,
			Want:   []string{`{"name":["spock","scotty"]}`},
		}},
		Parse: parseXPath,
	})
}

func parseXPath(p *syntax.Parser) (syntax.Command, error) {
	c := &XPath{Field: "_raw", Output: "xpath"}
	for !p.AtEnd() {
		err := p.Options([]string{"outfield", "field", "default"}, func(o syntax.Option) error {
			switch o.Name {
			case "outfield":
				c.Output = o.Value.Text
			case "field":
				c.Field = o.Value.Text
			default:
				c.Default, c.Given = o.Value.Text, true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if p.AtEnd() {
			break
		}
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		if tok.Kind != syntax.Quoted || c.expr != "" {
			return nil, p.Unexpected(tok, "one XPath expression in double quotes")
		}
		if _, err := spath.ParseXPath(tok.Text); err != nil {
			return nil, diag.At(tok.Span, "%s", err)
		}
		c.expr = tok.Text
	}
	if c.expr == "" {
		return nil, diag.At(p.Peek().Span, `xpath needs an expression such as "//user/@name"`)
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *XPath) Print() string {
	s := "xpath outfield=" + syntax.PrintOption(c.Output)
	if c.Field != "_raw" {
		s += " field=" + syntax.PrintOption(c.Field)
	}
	if c.Given {
		s += " default=" + filter.Quote(c.Default)
	}
	return s + " " + syntax.QuoteArg(c.expr)
}

// Needs implements syntax.Command. The output field keeps its value if nothing
// is found, so it is needed too.
func (c *XPath) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements exec.Streaming.
func (c *XPath) NewMapper(env *exec.Env) (exec.Mapper, error) {
	expr, err := spath.ParseXPath(c.expr)
	return &xpathMapper{c, env, expr}, err
}

type xpathMapper struct {
	c    *XPath
	env  *exec.Env
	expr *spath.XPath
}

// Map implements exec.Mapper.
func (m *xpathMapper) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	vals := op.Present(b, m.c.Output)
	for i, v := range op.Present(b, m.c.Field) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var found []string
		for j := range v.Len() {
			list, err := m.expr.Find(v.At(j))
			if err != nil && spath.IsXML(v.At(j)) {
				m.env.Warn("xpath on %s: %v; nothing is found in such values", m.c.Field, err)
			}
			found = append(found, list...)
		}
		switch {
		case found != nil:
			vals[i] = vector.Strings(found)
		case m.c.Given:
			vals[i] = vector.String(m.c.Default)
		}
	}
	return b.With(vector.NewColumn(m.c.Output, vals)), nil
}
