package cmd

import (
	"context"
	"errors"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/pcre"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Regex keeps the rows in which a field matches a regular expression, or those
// in which it does not.
type Regex struct {
	Field string
	Not   bool
	re    *pattern
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "regex", Kind: syntax.KindStreaming,
		Summary: "Keep rows in which a field matches a regular expression.",
		Syntax:  `regex [<field>=|<field>!=]"<regular-expression>"`,
		Doc: "The expression uses PCRE syntax and may match anywhere in the value. It is case-sensitive unless it starts with\n" +
			"`(?i)`. A multivalue field matches when any of its values does. With `!=`, rows that lack the field are kept.",
		Args: []syntax.Arg{
			{Name: "<field>", Default: "_raw", Doc: "The field to match."},
			{Name: "<regular-expression>", Doc: "In double quotes; `\\\"` is a quote. A literal backslash is `\\\\\\\\`, as in Splunk, or `\\\\`."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="ip
10.0.0.1
192.0.2.7" | regex ip="^10\."`,
			Want: []string{`{"ip":"10.0.0.1"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Regex{Field: "_raw"}
			tok, err := p.Take()
			if err != nil {
				return nil, err
			}
			if p.Peek().Is("=") || p.Peek().Is("!=") || p.Peek().Is("==") {
				c.Field, c.Not = tok.Text, p.Peek().Is("!=")
				if _, err = p.Take(); err != nil {
					return nil, err
				}
				if tok, err = p.Take(); err != nil {
					return nil, err
				}
			}
			c.re, err = regexArg(p, tok)
			return c, err
		},
	})
}

// regexArg compiles a regular expression argument that starts with tok. Without
// quotes it ends at the next blank.
func regexArg(p *syntax.Parser, tok syntax.Token) (*pattern, error) {
	text, span := tok.Text, tok.Span
	if tok.Kind == syntax.EOF || tok.Is("|") {
		return nil, p.Unexpected(tok, "a regular expression")
	}
	for tok.Kind != syntax.Quoted && !p.AtEnd() && !p.Peek().Spaced {
		next, err := p.Take()
		if err != nil {
			return nil, err
		}
		span.End = next.Span.End
		text = p.Text(span)
	}
	re, err := compilePattern(text)
	var bad *pcre.SyntaxError
	if errors.As(err, &bad) {
		at := span
		if tok.Kind == syntax.Quoted && p.Text(span) == `"`+text+`"` { // no escapes, so the position is exact
			at.Start = min(span.Start+1+bad.Offset, span.End-1)
			at.End = at.Start + 1
		}
		return nil, diag.At(at, "%s", err)
	}
	return re, err
}

// Print implements syntax.Command.
func (c *Regex) Print() string {
	op := "="
	if c.Not {
		op = "!="
	}
	return "regex " + syntax.PrintField(c.Field) + op + syntax.QuoteArg(c.re.String())
}

// Needs implements syntax.Command.
func (c *Regex) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements exec.Streaming.
func (c *Regex) NewMapper(env *exec.Env) (exec.Mapper, error) {
	own := *c
	own.re = c.re.polling(env)
	return &regexMapper{&own, env}, nil
}

type regexMapper struct {
	c   *Regex
	env *exec.Env
}

func (m *regexMapper) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	col := b.Col(m.c.Field)
	rows := make([]int32, 0, b.Len)
	for i := range b.Len {
		m.env.Poll()
		fits := false
		if col != nil {
			fits = m.fits(col.At(i))
		}
		if fits != m.c.Not {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) == b.Len {
		return b, nil
	}
	return b.Pick(rows), nil
}

func (m *regexMapper) fits(v vector.Value) bool {
	for j := range v.Len() {
		ok, err := m.c.re.Match(v.At(j))
		if err != nil {
			m.env.Warn("regex on %s: %v; such values do not match", m.c.Field, err)
		}
		if ok {
			return true
		}
	}
	return false
}
