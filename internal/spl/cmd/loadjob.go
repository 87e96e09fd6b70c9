package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Loadjob returns the result of a saved search.
type Loadjob struct{ Savedsearch }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "loadjob", Kind: syntax.KindGenerating,
		Summary: "Return the result of a saved search.",
		Syntax:  `loadjob savedsearch="[<user>:<app>:]<name>"`,
		Doc:     "Results of earlier searches are not kept, so the saved search runs now, as with savedsearch. There are no job ids.",
		Args: []syntax.Arg{
			{Name: "savedsearch", Doc: "The name of the saved search; a preceding user and app are ignored."},
			{Name: "events, job_delegate, ignore_running, artifact_offset", Doc: "Accepted for compatibility; ignored. artifact_offset must be 0."},
		},
		Examples: []syntax.Example{{
			Saved:  "| makeresults | eval user=\"alice\" | table user",
			Search: `| loadjob savedsearch="admin:search:example"`,
			Want:   []string{`{"user":"alice"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Loadjob{}
			start := p.Peek().Span
			err := p.Options([]string{"savedsearch", "events", "job_delegate", "ignore_running", "artifact_offset"}, func(o syntax.Option) error {
				switch o.Name {
				case "savedsearch":
					c.Name = o.Value.Text
					if parts := strings.SplitN(c.Name, ":", 3); len(parts) == 3 {
						c.Name = parts[2]
					}
				case "artifact_offset":
					if n, err := o.Int(0); err != nil || n > 0 {
						return diag.At(o.Value.Span, "results of earlier runs are not kept").WithHint("write them with outputlookup append=true, or with collect")
					}
				case "events", "ignore_running":
					_, err := o.Bool()
					return err
				}
				return nil
			})
			if err == nil && c.Name == "" {
				err = diag.At(start, "loadjob needs a saved search: results of earlier searches are not kept").WithHint(`loadjob savedsearch="<name>", or outputlookup and inputlookup`)
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Loadjob) Print() string { return "loadjob savedsearch=" + filter.Quote("::"+c.Name) }

// Generate implements exec.Generating.
func (c *Loadjob) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	return runSaved(ctx, env, &c.Savedsearch)
}
