package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// XMLunescape replaces XML entities with their characters.
type XMLunescape struct{ Field string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "xmlunescape", Kind: syntax.KindStreaming,
		Summary: "Decode XML entities in a text.",
		Syntax:  "xmlunescape [<field>] [maxinputs=<n>]",
		Doc:     "`&lt;`, `&gt;`, `&quot;`, `&apos;` and `&amp;` are replaced, once, with the characters they stand for.",
		Args: []syntax.Arg{
			{Name: "<field>", Default: "_raw", Doc: "The field to decode."},
			{Name: "maxinputs", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _raw="a &lt; b &amp;amp; c" | xmlunescape | table _raw`,
			Want:   []string{`{"_raw":"a < b &amp; c"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			field, err := parseXMLInput(p)
			return &XMLunescape{field}, err
		},
	})
}

var xmlEntities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

func unescapeXML(s string) string { return xmlEntities.Replace(s) }

// Print implements syntax.Command.
func (c *XMLunescape) Print() string { return "xmlunescape " + syntax.PrintField(c.Field) }

// Needs implements syntax.Command.
func (c *XMLunescape) Needs(out filter.FieldSet) filter.FieldSet { return out }

// NewMapper implements exec.Streaming.
func (c *XMLunescape) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *XMLunescape) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	return op.MapField(ctx, b, c.Field, c.Field, func(v vector.Value) vector.Value {
		list := make([]string, v.Len())
		for j := range list {
			list[j] = unescapeXML(v.At(j))
		}
		return vector.Strings(list)
	}), nil
}
