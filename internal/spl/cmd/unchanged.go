package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Unchanged is a command that only affects Splunk's display or cluster. It
// passes rows through unchanged.
type Unchanged struct {
	name string
	text string // the arguments, as written
}

func init() {
	for _, c := range []struct{ name, syntax, summary, doc string }{
		{"highlight", "highlight <text> …", "Accepted for compatibility; ignored. Splunk marks words in its pages.", "Text output has no marks."},
		{"iconify", "iconify <field-list>", "Accepted for compatibility; ignored. Splunk puts icons on events in its pages.", "Text output has no icons."},
		{"localop", "localop", "Accepted for compatibility; ignored. Splunk keeps commands off its indexers.", "The planner decides what runs where."},
		{"noop", "noop [<options>]", "Accepted for compatibility; ignored. Splunk steers its optimizer with it.", "Its options have no effect here."},
		{"redistribute", "redistribute [num_of_reducers=<n>] [by <field-list>]", "Accepted for compatibility; ignored. Splunk spreads work over its indexers with it.", "Work is spread over the available processors."},
	} {
		syntax.RegisterCommand(&syntax.CommandDef{
			Name: c.name, Kind: syntax.KindStreaming,
			Summary: c.summary, Syntax: c.syntax, Doc: "Rows pass unchanged. " + c.doc,
			Examples: []syntax.Example{{
				Search: `| makeresults | eval a=1 | ` + c.name + ` | table a`,
				Want:   []string{`{"a":"1"}`},
			}},
			Parse: func(p *syntax.Parser) (syntax.Command, error) {
				text, err := p.Rest()
				return &Unchanged{c.name, text}, err
			},
		})
	}
}

// Print implements syntax.Command.
func (c *Unchanged) Print() string {
	if c.text == "" {
		return c.name
	}
	return c.name + " " + c.text
}

// Needs implements syntax.Command.
func (c *Unchanged) Needs(out filter.FieldSet) filter.FieldSet { return out }

// NewMapper implements exec.Streaming.
func (c *Unchanged) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Map implements exec.Mapper.
func (c *Unchanged) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) { return b, nil }
