package cmd

import (
	"context"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Eventcount counts the events of indexes.
type Eventcount struct {
	Indexes []string
	Each    bool // summarize=false: a row for each index
	Size    bool // add the size
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "eventcount", Kind: syntax.KindGenerating,
		Summary: "Count the events of indexes.",
		Syntax:  "eventcount [summarize=<bool>] [report_size=<bool>] [index=<name>]…",
		Doc:     "Counts the events in the search's time range.",
		Args: []syntax.Arg{
			{Name: "index", Default: "*", Doc: "The index; may be repeated and contain `*`."},
			{Name: "summarize", Default: "true", Doc: "Return one count of everything; otherwise a row for each index, with `server`, which is always local."},
			{Name: "report_size", Default: "false", Doc: "Also report the total length of each index's `_raw` as `size_bytes`."},
			{Name: "list_vix, list_federated_remote", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000007,"k":"b"}`},
			Search: `| eventcount summarize=false index=*`,
			Want:   []string{`{"count":"2","index":"aws","server":"local"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Eventcount{}
			err := p.Options([]string{"summarize", "index", "report_size", "list_vix", "list_federated_remote"}, func(o syntax.Option) error {
				if o.Name == "index" {
					c.Indexes = append(c.Indexes, o.Value.Text)
					return nil
				}
				on, err := o.Bool()
				switch o.Name {
				case "summarize":
					c.Each = !on
				case "report_size":
					c.Size = on
				}
				return err
			})
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Eventcount) Print() string {
	s := "eventcount"
	if c.Each {
		s += " summarize=false"
	}
	if c.Size {
		s += " report_size=true"
	}
	for _, name := range c.Indexes {
		s += " index=" + syntax.PrintOption(name)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Eventcount) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Generate implements exec.Generating.
func (c *Eventcount) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	text := searchIndexes(c.Indexes) + " | stats count"
	switch {
	case c.Each && c.Size:
		text += ` sum(eval(len(_raw))) AS size_bytes BY index | eval server="` + event.Server + `" | table count index server size_bytes`
	case c.Each:
		text += ` BY index | eval server="` + event.Server + `" | table count index server`
	}
	return run(ctx, env, text)
}
