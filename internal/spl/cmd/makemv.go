package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Makemv splits a field into several values.
type Makemv struct {
	Field      string
	Delim      string
	AllowEmpty bool
	SetSV      bool
	tokenizer  *pattern // nil: Delim
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "makemv", Kind: syntax.KindStreaming,
		Summary: "Split the text of a field into several values.",
		Syntax:  `makemv [delim=<text>|tokenizer="<regular-expression>"] [allowempty=<bool>] [setsv=<bool>] <field>`,
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The field to split."},
			{Name: "delim", Default: "a space", Doc: "The separator of the values; `\\n` and `\\t` are a newline and a tab."},
			{Name: "tokenizer", Doc: "A regular expression whose first group is a value, instead of delim."},
			{Name: "allowempty", Default: "false", Doc: "Keep empty values, such as those between two delimiters."},
			{Name: "setsv", Default: "false", Doc: "Make a later nomv join the values with the delimiter again."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval m="a,b,,c" | makemv delim="," m | table m`,
			Want:   []string{`{"m":["a","b","c"]}`},
		}, {
			Search: `| makeresults | eval m="a1b22" | makemv tokenizer="(\d+)" m | table m`,
			Want:   []string{`{"m":["1","22"]}`},
		}},
		Parse: parseMakemv,
	})
}

func parseMakemv(p *syntax.Parser) (syntax.Command, error) {
	c := &Makemv{Delim: " "}
	for !p.AtEnd() {
		tok := p.Peek()
		o, ok, err := p.Option()
		if err != nil {
			return nil, err
		}
		switch {
		case !ok:
			if c.Field != "" {
				return nil, p.Unexpected(tok, "one field")
			}
			c.Field, err = p.Field()
		case o.Name == "delim":
			if c.Delim = unescapeDelims(o.Value.Text); c.Delim == "" {
				err = diag.At(o.Value.Span, "delim must not be empty").WithHint(`for single characters: tokenizer="(.)"`)
			}
		case o.Name == "tokenizer":
			// Read again as an argument, where a backslash is itself.
			p.Reset(o.Value.Span.Start)
			if tok, err = p.Take(); err != nil {
				return nil, err
			}
			if c.tokenizer, err = regexArg(p, tok); err == nil && len(c.tokenizer.Names()) < 2 {
				err = diag.At(tok.Span, "the tokenizer needs a group ( )")
			}
		case o.Name == "allowempty":
			c.AllowEmpty, err = o.Bool()
		case o.Name == "setsv":
			c.SetSV, err = o.Bool()
		default:
			err = o.Unknown("delim", "tokenizer", "allowempty", "setsv")
		}
		if err != nil {
			return nil, err
		}
	}
	if c.Field == "" {
		return nil, diag.At(p.Peek().Span, "makemv needs a field")
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Makemv) Print() string {
	s := "makemv "
	switch {
	case c.tokenizer != nil:
		s += "tokenizer=" + syntax.QuoteArg(c.tokenizer.String()) + " "
	case c.Delim != " ":
		s += "delim=" + quoteDelims(c.Delim) + " "
	}
	if c.AllowEmpty {
		s += "allowempty=true "
	}
	if c.SetSV {
		s += "setsv=true "
	}
	return s + syntax.PrintField(c.Field)
}

// Needs implements syntax.Command.
func (c *Makemv) Needs(out filter.FieldSet) filter.FieldSet { return out.Naming(c.Field) }

// NewMapper implements exec.Streaming.
func (c *Makemv) NewMapper(env *exec.Env) (exec.Mapper, error) {
	own := *c
	own.tokenizer = c.tokenizer.polling(env)
	return &makemv{&own, env}, nil
}

type makemv struct {
	c   *Makemv
	env *exec.Env
}

func (m *makemv) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	return op.MapField(ctx, b, m.c.Field, m.c.Field, m.split), nil
}

func (m *makemv) split(v vector.Value) vector.Value {
	var list []string
	var every exec.Every
	add := func(part string) {
		every.Poll(m.env, 4096)
		if part != "" || m.c.AllowEmpty {
			list = append(list, part)
		}
	}
	for j := range v.Len() {
		if m.c.tokenizer != nil {
			m.tokens(v.At(j), add)
			continue
		}
		list = slices.Grow(list, strings.Count(v.At(j), m.c.Delim)+1) // growing step by step copies much
		for part := range strings.SplitSeq(v.At(j), m.c.Delim) {
			add(part)
		}
	}
	out := vector.Strings(list)
	if m.c.SetSV {
		out = out.WithDelim(m.c.Delim)
	}
	return out
}

// tokens appends the matches of the tokenizer.
func (m *makemv) tokens(s string, add func(string)) {
	places, err := m.c.tokenizer.FindAll(s, -1)
	if err != nil {
		m.env.Warn("makemv on %s: %v; such values are unchanged", m.c.Field, err)
		add(s)
		return
	}
	for _, p := range places {
		if p[2] >= 0 {
			add(s[p[2]:p[3]])
		}
	}
}
