package cmd

import (
	"context"
	"strconv"
	"strings"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Abstract shortens the raw text of events.
type Abstract struct{ MaxTerms, MaxLines int }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "abstract", Kind: syntax.KindStreaming,
		Summary: "Shorten the raw text of events to its first lines and words.",
		Syntax:  "abstract [maxterms=<n>] [maxlines=<n>]",
		Doc:     "`_raw` is cut after that many lines or that many words, whichever comes first.",
		Args: []syntax.Arg{
			{Name: "maxterms", Default: "1000", Doc: "Maximum number of words, up to 1000."},
			{Name: "maxlines", Default: "10", Doc: "Maximum number of lines, up to 500."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults | eval _raw="one two three four" | abstract maxterms=2 | table _raw`,
			Want:   []string{`{"_raw":"one two"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Abstract{MaxTerms: 1000, MaxLines: 10}
			err := p.Options([]string{"maxterms", "maxlines"}, func(o syntax.Option) (err error) {
				if o.Name == "maxterms" {
					c.MaxTerms, err = o.Int(1)
					c.MaxTerms = min(c.MaxTerms, 1000)
					return err
				}
				c.MaxLines, err = o.Int(1)
				c.MaxLines = min(c.MaxLines, 500)
				return err
			})
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Abstract) Print() string {
	return "abstract maxterms=" + strconv.Itoa(c.MaxTerms) + " maxlines=" + strconv.Itoa(c.MaxLines)
}

// Needs implements syntax.Command.
func (c *Abstract) Needs(out filter.FieldSet) filter.FieldSet { return out }

// NewMapper implements exec.Streaming.
func (c *Abstract) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Abstract) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	if b.Col("_raw") == nil {
		return b, nil
	}
	return op.MapField(ctx, b, "_raw", "_raw", func(v vector.Value) vector.Value { return vector.String(c.cut(v.Text())) }), nil
}

func (c *Abstract) cut(s string) string {
	words, lines, inWord := 0, 1, false
	for i := range len(s) {
		blank := strings.IndexByte(" \t\r\n", s[i]) >= 0
		if blank && inWord && words == c.MaxTerms || s[i] == '\n' && lines == c.MaxLines {
			return s[:i]
		}
		if s[i] == '\n' {
			lines++
		}
		if !blank && !inWord {
			words++
		}
		inWord = !blank
	}
	return s
}
