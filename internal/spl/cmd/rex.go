package cmd

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Rex extracts fields with the named groups of a regular expression, or
// rewrites text like sed.
type Rex struct {
	Field       string
	MaxMatch    int // 0 = all
	OffsetField string
	re          *pattern
	sed         []*sedScript // the readings of sedText
	sedText     string
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "rex", Kind: syntax.KindStreaming,
		Summary: "Extract fields from text with the named groups of a regular expression, or rewrite text as sed does.",
		Syntax:  `rex [field=<field>] [max_match=<n>] [offset_field=<field>] "<regular-expression>" | rex [field=<field>] mode=sed "s/<re>/<text>/[g|<n>]"|"y/<chars>/<chars>/"`,
		Doc: "Each named group `(?<name>…)` becomes a field. With several matches, and for multivalue fields, the fields get several\n" +
			"values. Without a match the fields are unchanged. In sed mode the field itself is rewritten; `\\1` stands for a group,\n" +
			"`\\n` and `\\t` for a newline and a tab. A literal backslash is `\\\\\\\\` in the expression, as in Splunk, or `\\\\`.",
		Args: []syntax.Arg{
			{Name: "field", Default: "_raw", Doc: "The field to read."},
			{Name: "max_match", Default: "1", Doc: "Maximum number of matches of each value; 0 means all."},
			{Name: "offset_field", Doc: "A field for the positions of the groups: `name=first-last`, counted from 0."},
			{Name: "mode", Doc: "`sed` to rewrite text."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval arn="arn:aws:iam::123456789012:user/bob" | rex field=arn "::(?<account>\d+):user/(?<name>.+)" | table account name`,
			Want:   []string{`{"account":"123456789012","name":"bob"}`},
		}, {
			Doc:    "Rewrite text.",
			Search: `| makeresults | eval card="1234-5678" | rex field=card mode=sed "s/\d{4}-/XXXX-/g" | table card`,
			Want:   []string{`{"card":"XXXX-5678"}`},
		}},
		Parse: parseRex,
	})
}

func parseRex(p *syntax.Parser) (syntax.Command, error) {
	c := &Rex{Field: "_raw", MaxMatch: 1}
	sed := false
	var expr syntax.Token
	for !p.AtEnd() {
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		if !ok {
			if tok := p.Peek(); expr.Kind == syntax.Quoted {
				return nil, p.Unexpected(tok, "one regular expression")
			}
			if expr, err = p.Take(); err != nil {
				return nil, err
			}
			if expr.Kind != syntax.Quoted {
				if expr, err = bareExpression(p, expr); err != nil {
					return nil, err
				}
			}
			continue
		}
		switch o.Name {
		case "field":
			c.Field = o.Value.Text
		case "max_match":
			c.MaxMatch, err = o.Int(0)
		case "offset_field":
			c.OffsetField = o.Value.Text
		case "mode":
			if sed = strings.EqualFold(o.Value.Text, "sed"); !sed {
				err = diag.At(o.Value.Span, "mode can only be sed, not %q", o.Value.Text)
			}
		default:
			err = o.Unknown("field", "max_match", "offset_field", "mode")
		}
		if err != nil {
			return nil, err
		}
	}
	if expr.Kind != syntax.Quoted {
		return nil, diag.At(p.Peek().Span, "rex needs a regular expression in double quotes")
	}
	var err error
	if sed {
		c.sedText = expr.Text
		if c.sed, err = parseSedReadings(expr.Text); err != nil {
			at := expr.Span
			var bad *sedError
			if errors.As(err, &bad) && p.Text(at) == `"`+expr.Text+`"` { // no escapes, so the position is exact
				at = diag.Span{Start: at.Start + 1 + bad.at, End: max(at.End-1, at.Start+2+bad.at)}
				if at.Start >= expr.Span.End-1 {
					at = expr.Span
				}
			}
			err = diag.At(at, "%s", err)
		}
		return c, err
	}
	if c.re, err = regexArg(p, expr); err != nil {
		return nil, err
	}
	if strings.Join(c.re.Names(), "") == "" {
		return nil, diag.At(expr.Span, "the expression has no named group, so it sets no field").WithHint("write (?<name>…)")
	}
	return c, nil
}

// bareExpression reads an unquoted expression up to the next blank, starting at
// token first. A | inside a group and a ] inside a class are part of it. The
// expression must contain a group or be a sed script.
func bareExpression(p *syntax.Parser, first syntax.Token) (syntax.Token, error) {
	expr := syntax.Token{Kind: syntax.Quoted, Span: first.Span}
	groups, classes := boolInt(first.Is("(")), boolInt(first.Is("["))
	for {
		next := p.Peek()
		if next.Spaced || next.Kind == syntax.EOF || next.Is("|") && groups == 0 || next.Is("]") && classes == 0 {
			break
		}
		tok, err := p.Take()
		if err != nil {
			return expr, err
		}
		groups = max(0, groups+boolInt(tok.Is("("))-boolInt(tok.Is(")")))
		classes = max(0, classes+boolInt(tok.Is("["))-boolInt(tok.Is("]")))
		expr.Span.End = tok.Span.End
	}
	expr.Text = p.Text(expr.Span)
	if !strings.Contains(expr.Text, "(?") && !bareSed.MatchString(expr.Text) {
		return expr, p.Unexpected(first, "a regular expression in double quotes")
	}
	return expr, nil
}

var bareSed = regexp.MustCompile(`^[sy][/#:!]`)

// Print implements syntax.Command.
func (c *Rex) Print() string {
	s := "rex"
	if c.Field != "_raw" {
		s += " field=" + syntax.PrintOption(c.Field)
	}
	if c.sed != nil {
		return s + " mode=sed " + syntax.QuoteArg(c.sedText)
	}
	if c.MaxMatch != 1 {
		s += " max_match=" + strconv.Itoa(c.MaxMatch)
	}
	if c.OffsetField != "" {
		s += " offset_field=" + syntax.PrintOption(c.OffsetField)
	}
	return s + " " + syntax.QuoteArg(c.re.String())
}

// Needs implements syntax.Command. Fields keep their values if nothing matches,
// so they are needed too.
func (c *Rex) Needs(out filter.FieldSet) filter.FieldSet { return out.Add(c.Field) }

// NewMapper implements exec.Streaming.
func (c *Rex) NewMapper(env *exec.Env) (exec.Mapper, error) {
	own := *c
	own.re, own.sed = c.re.polling(env), slices.Clone(c.sed)
	for i, s := range own.sed {
		own.sed[i] = s.polling(env)
	}
	return &rex{c: &own, env: env}, nil
}

type rex struct {
	c   *Rex
	env *exec.Env
}

func (m *rex) warn(err error) {
	m.env.Warn("rex on %s: %v; such values are unchanged", m.c.Field, err)
}

func (m *rex) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	if m.c.sed == nil {
		return m.extract(b), nil
	}
	return op.MapField(ctx, b, m.c.Field, m.c.Field, func(v vector.Value) vector.Value {
		list := make([]string, v.Len())
		for j := range list {
			for _, sed := range m.c.sed {
				var err error
				if list[j], err = sed.apply(v.At(j)); err != nil {
					m.warn(err)
				}
				if list[j] != v.At(j) {
					break
				}
			}
		}
		return vector.Strings(list)
	}), nil
}

func (m *rex) extract(b *vector.Batch) *vector.Batch {
	in := b.Col(m.c.Field)
	if in == nil {
		return b
	}
	if v, ok := in.Constant(); ok {
		for _, f := range m.groups([]vector.Value{v}) {
			if !f.vals[0].IsNull() {
				b = b.With(vector.Constant(f.name, f.vals[0]))
			}
		}
		return b
	}
	dict, codes := in.Codes()
	if codes == nil || len(dict) > b.Len { // check each row rather than each distinct value
		dict, codes = in.Rows(make([]vector.Value, b.Len)), nil
	}
	for _, f := range m.groups(dict) {
		col := vector.NewColumn(f.name, f.vals)
		if codes != nil {
			col = vector.Coded(f.name, f.vals, codes)
		}
		b = b.With(op.Over(b, col))
	}
	return b
}

// extracted holds what one group found in each value.
type extracted struct {
	name  string
	vals  []vector.Value
	parts []string // of the current value
}

// groups returns the results of the groups that matched, in order of first
// match.
func (m *rex) groups(in []vector.Value) []*extracted {
	names := m.c.re.Names()
	var found []*extracted
	of := func(name string) *extracted {
		for _, f := range found {
			if f.name == name {
				return f
			}
		}
		f := &extracted{name: name, vals: make([]vector.Value, len(in))}
		found = append(found, f)
		return f
	}
	most := m.c.MaxMatch - boolInt(m.c.MaxMatch == 0)
	for i, v := range in {
		var offsets []string
		for j := range v.Len() {
			text := v.At(j)
			places, err := m.c.re.FindAll(text, most)
			if err != nil {
				m.warn(err)
			}
			for _, p := range places {
				for g, name := range names {
					if name == "" || p[2*g] < 0 {
						continue
					}
					f := of(name)
					f.parts = append(f.parts, text[p[2*g]:p[2*g+1]])
					if m.c.OffsetField != "" {
						offsets = append(offsets, fmt.Sprintf("%s=%d-%d", name, p[2*g], p[2*g+1]-1))
					}
				}
			}
		}
		for _, f := range found {
			switch len(f.parts) {
			case 0:
				continue
			case 1:
				f.vals[i] = vector.String(f.parts[0])
			default:
				f.vals[i] = vector.Strings(slices.Clone(f.parts))
			}
			f.parts = f.parts[:0]
		}
		if offsets != nil {
			of(m.c.OffsetField).vals[i] = vector.String(strings.Join(offsets, "&"))
		}
	}
	return found
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
