package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Fields keeps or removes columns.
type Fields struct {
	Remove bool
	Names  []string // may contain wildcards
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "fields", Kind: syntax.KindStreaming,
		Summary: "Keep only the listed fields, or remove them.",
		Syntax:  "fields [+|-] <field-list>",
		Doc: "With `+` (the default), only the listed fields are kept, in that order, together with `_time` and `_raw`. With `-`,\n" +
			"they are removed. Names may contain `*`. Internal fields are removed only by name: `fields - _raw`.",
		Args: []syntax.Arg{{Name: "<field-list>", Doc: "Names separated by commas or spaces; `*` matches any run of characters."}},
		Examples: []syntax.Example{{
			Doc:    "Every column but one.",
			Search: `| makeresults | eval a=1, b=2, c=3 | fields - _time, b`,
			Want:   []string{`{"a":"1","c":"3"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Fields{}
			if tok := p.Peek(); tok.Kind == syntax.Word && (tok.Text[0] == '-' || tok.Text[0] == '+') {
				c.Remove = tok.Text[0] == '-'
				p.Reset(tok.Span.Start + 1)
			}
			var err error
			c.Names, err = p.Fields()
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Fields) Print() string {
	sign := ""
	if c.Remove {
		sign = "- "
	}
	return "fields " + sign + syntax.PrintFields(c.Names)
}

// Needs implements syntax.Command.
func (c *Fields) Needs(out filter.FieldSet) filter.FieldSet {
	if c.Remove {
		return out.Without(c.Names...)
	}
	if out.All() {
		return filter.Fields(c.Names...).Add("_time", "_raw")
	}
	kept := filter.FieldSet{}
	for _, n := range out.Names() {
		if c.keeps(n) {
			kept = kept.Add(n)
		} else if strings.Contains(n, "*") {
			kept = kept.Add(c.Names...).Add("_time", "_raw")
		}
	}
	return kept
}

func (c *Fields) keeps(name string) bool {
	return name == "_time" || name == "_raw" || c.listed(name)
}

func (c *Fields) listed(name string) bool {
	return slices.ContainsFunc(c.Names, func(p string) bool {
		return op.Covers(p, name)
	})
}

// NewMapper implements exec.Streaming.
func (c *Fields) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Fields) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	if c.Remove {
		return b.Keep(func(name string) bool { return !c.listed(name) }), nil
	}
	out := &vector.Batch{Len: b.Len}
	for _, n := range c.Names {
		cols := b.Cols
		if !strings.Contains(n, "*") {
			cols = nil
			if col := b.Col(n); col != nil {
				cols = []*vector.Column{col}
			}
		}
		for _, col := range cols {
			if op.Covers(n, col.Name) && out.Col(col.Name) == nil {
				out.Cols = append(out.Cols, col)
			}
		}
	}
	for _, n := range []string{"_time", "_raw"} {
		if col := b.Col(n); col != nil && out.Col(n) == nil {
			out.Cols = append(out.Cols, col)
		}
	}
	return out, nil
}
