package cmd

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/pcre"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Replace substitutes whole values.
type Replace struct {
	Pairs  []ReplacePair
	Fields []string // none = all
}

// ReplacePair is one old WITH new. Both may contain wildcards.
type ReplacePair struct {
	Old, New string
	re       *pcre.Regexp // nil = no wildcards
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "replace", Kind: syntax.KindStreaming,
		Summary: "Replace whole values.",
		Syntax:  "replace <old> WITH <new> [, <old> WITH <new>]… [IN <field-list>]",
		Doc: "The whole value must match, ignoring case. `*` matches any run of characters; in the new value it stands for what the\n" +
			"old value's `*` matched. If several pairs match, a pair without wildcards takes precedence over one with them, a later\n" +
			"pair over an earlier one, and a pair with more text over one with less.",
		Args: []syntax.Arg{
			{Name: "<old> WITH <new>", Doc: "Put texts with spaces in double quotes."},
			{Name: "IN <field-list>", Default: "all fields except internal ones", Doc: "The fields to change."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="h,n
web localhost,0
db,1" | replace "* localhost" WITH "localhost *" IN h | replace 0 WITH none, 1 WITH one`,
			Want: []string{`{"h":"localhost web","n":"none"}`, `{"h":"db","n":"one"}`},
		}},
		Parse: parseReplace,
	})
}

func parseReplace(p *syntax.Parser) (syntax.Command, error) {
	c := &Replace{}
	for !p.AtEnd() && !p.Peek().IsWord("in") {
		if p.Accept(",") {
			continue
		}
		start := p.Peek().Span
		old, err := p.Take()
		if err != nil {
			return nil, err
		}
		if old.Kind != syntax.Word && old.Kind != syntax.Quoted {
			return nil, p.Unexpected(old, "a value")
		}
		if !p.AcceptWord("with") {
			return nil, diag.At(start, "WITH and the new value are missing after %q", old.Text)
		}
		to, err := p.Take()
		if err != nil {
			return nil, err
		}
		if to.Kind != syntax.Word && to.Kind != syntax.Quoted {
			return nil, p.Unexpected(to, "the new value")
		}
		pair := ReplacePair{Old: old.Text, New: to.Text}
		stars := strings.Count(pair.Old, "*")
		if n := strings.Count(pair.New, "*"); n > 0 && n != stars {
			return nil, diag.At(start, "the new value must contain as many * as the old one, or none")
		}
		if stars > 0 {
			if pair.re, err = wildcardGroups(pair.Old); err != nil {
				return nil, diag.At(start, "cannot use the old value as a pattern: %v", err)
			}
		}
		c.Pairs = append(c.Pairs, pair)
	}
	if len(c.Pairs) == 0 {
		return nil, diag.At(p.Peek().Span, "replace needs a value, WITH and the new value")
	}
	if p.AcceptWord("in") {
		var err error
		if c.Fields, err = p.Fields(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// wildcardGroups converts a pattern to a regular expression with a group for
// each *.
func wildcardGroups(pattern string) (*pcre.Regexp, error) {
	parts := strings.Split(pattern, "*")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return pcre.Compile(`(?is)\A` + strings.Join(parts, "(.*?)") + `\z`)
}

// Print implements syntax.Command.
func (c *Replace) Print() string {
	parts := make([]string, len(c.Pairs))
	for i, pair := range c.Pairs {
		parts[i] = syntax.QuoteArg(pair.Old) + " WITH " + syntax.QuoteArg(pair.New)
	}
	s := "replace " + strings.Join(parts, ", ")
	if len(c.Fields) > 0 {
		s += " IN " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Replace) Needs(out filter.FieldSet) filter.FieldSet { return out.Naming(c.Fields...) }

// NewMapper implements exec.Streaming.
func (c *Replace) NewMapper(env *exec.Env) (exec.Mapper, error) {
	// The first matching pair applies.
	order := slices.Clone(c.Pairs)
	slices.Reverse(order)
	for i, pair := range order {
		if pair.re != nil {
			order[i].re = pair.re.Polling(env.Poll)
		}
	}
	slices.SortStableFunc(order, func(a, b ReplacePair) int {
		if (a.re == nil) != (b.re == nil) {
			return boolInt(a.re != nil) - boolInt(b.re != nil)
		}
		if a.re == nil {
			return 0
		}
		return len(strings.ReplaceAll(b.Old, "*", "")) - len(strings.ReplaceAll(a.Old, "*", ""))
	})
	return &replacer{c, order}, nil
}

type replacer struct {
	c     *Replace
	order []ReplacePair
}

func (m *replacer) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	out, pulse := op.Set(b), exec.NewPulse(ctx)
	for _, name := range b.Names() {
		pulse.Work(64 * len(m.c.Fields))
		if len(m.c.Fields) == 0 && !op.Internal(name) || slices.ContainsFunc(m.c.Fields, func(p string) bool { return filter.MatchName(p, name) }) {
			out.Map(ctx, name, name, m.value)
		}
	}
	return out.Batch(), nil
}

func (m *replacer) value(v vector.Value) vector.Value {
	if v.Kind() != vector.List {
		if to, ok := m.text(v.Text()); ok {
			return vector.String(to)
		}
		return v
	}
	list := make([]string, v.Len())
	for j := range list {
		list[j] = v.At(j)
		if to, ok := m.text(list[j]); ok {
			list[j] = to
		}
	}
	return vector.Strings(list)
}

func (m *replacer) text(s string) (string, bool) {
	for _, pair := range m.order {
		if pair.re == nil {
			if strings.EqualFold(s, pair.Old) {
				return pair.New, true
			}
			continue
		}
		found, err := pair.re.FindAll(s, 1)
		if err != nil || len(found) == 0 {
			continue
		}
		groups := found[0]
		to := strings.Split(pair.New, "*")
		var out strings.Builder
		for i, part := range to {
			if i > 0 {
				out.WriteString(s[groups[2*i]:groups[2*i+1]])
			}
			out.WriteString(part)
		}
		return out.String(), true
	}
	return "", false
}
