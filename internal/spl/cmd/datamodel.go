package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/datamodel"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Datamodel lists the data models, describes one, or returns the events of a
// dataset.
type Datamodel struct {
	Name string // "" = list all
	Set  string // "" = describe the model
	Mode string // search, flat, acceleration_search; "" = describe the dataset

	dataset *dataset
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "datamodel", Kind: syntax.KindGenerating,
		Summary: "List data models, or return the events of a dataset.",
		Syntax:  "datamodel [<model> [<dataset> [search|flat|acceleration_search]]]",
		Doc: "Without a mode, it returns a row for each dataset: its model, its parent, the search that finds its events, and its\n" +
			"fields. `search` and `acceleration_search` return the events with the model's fields named like `All_Changes.user`;\n" +
			"`flat` keeps the plain names. There are no summaries, so both read all events.",
		Args: []syntax.Arg{
			{Name: "<model>", Default: "all", Doc: "CloudTrail events fill Authentication and Change."},
			{Name: "<dataset>", Default: "all", Doc: "A dataset of the model."},
			{Name: "<mode>", Doc: "search, flat or acceleration_search."},
			{Name: "strict_fields, allow_old_summaries, summariesonly", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"tag":"change","user":"alice"}`, `{"_time":1700000001,"tag":"authentication","user":"bob"}`},
			Search: `| datamodel Change All_Changes search | table All_Changes.user All_Changes.dest`,
			Want:   []string{`{"All_Changes.user":"alice","All_Changes.dest":"unknown"}`},
		}, {
			Search: `| datamodel Authentication Privileged_Authentication | fields - fields`,
			Want:   []string{`{"model":"Authentication","dataset":"Privileged_Authentication","parent":"Authentication","search":"(tag=authentication) (tag=privileged)"}`},
		}},
		Parse: parseDatamodel,
	})
}

func parseDatamodel(p *syntax.Parser) (syntax.Command, error) {
	c := &Datamodel{}
	start := p.Peek().Span
	options := func() error {
		return p.Options([]string{"strict_fields", "allow_old_summaries", "summariesonly"}, func(o syntax.Option) error {
			_, err := o.Bool()
			return err
		})
	}
	for _, dst := range []*string{&c.Name, &c.Set, &c.Mode} {
		if err := options(); err != nil {
			return nil, err
		}
		if p.AtEnd() {
			break
		}
		tok := p.Peek()
		var err error
		if *dst, err = p.Field(); err != nil {
			return nil, err
		}
		if dst == &c.Mode {
			c.Mode = strings.ToLower(c.Mode)
			if c.Mode != "search" && c.Mode != "flat" && c.Mode != "acceleration_search" {
				return nil, diag.At(tok.Span, "unknown mode %q", tok.Text).WithHint("search, flat or acceleration_search")
			}
		}
		start = start.Join(tok.Span)
	}
	if c.Name == "" {
		return c, nil
	}
	name := c.Name
	if c.Set != "" {
		name += "." + c.Set
	}
	var err error
	if c.dataset, err = findDataset(name, start); err != nil {
		return nil, err
	}
	return c, options()
}

// Print implements syntax.Command.
func (c *Datamodel) Print() string {
	s := "datamodel"
	for _, part := range []string{c.Name, c.Set, c.Mode} {
		if part != "" {
			s += " " + syntax.PrintField(part)
		}
	}
	return s
}

// Needs implements syntax.Command.
func (c *Datamodel) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Reads returns the search that finds the events.
func (c *Datamodel) Reads() (string, error) {
	if c.Mode == "" {
		return "", nil
	}
	return c.dataset.events(), nil
}

// Generate implements exec.Generating.
func (c *Datamodel) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	switch c.Mode {
	case "":
		return exec.Rows(c.describe()), nil
	case "flat":
		c.dataset.warn(env)
		return run(ctx, env, c.dataset.events())
	}
	c.dataset.warn(env)
	root := c.dataset.model.Root(c.dataset.set).Name
	fields := c.dataset.fieldNames()
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = root + "." + f
	}
	return run(ctx, env, c.dataset.events()+" | "+strings.Join(renames(fields, names), ""))
}

func (c *Datamodel) describe() *vector.Batch {
	b := vector.NewBuilder("model", "dataset", "parent", "search", "fields")
	for _, m := range datamodel.Models() {
		for i := range m.Datasets {
			d := &m.Datasets[i]
			if c.dataset != nil && (m != c.dataset.model || c.Set != "" && d != c.dataset.set) {
				continue
			}
			var fields []string
			for _, f := range m.Fields(d) {
				fields = append(fields, f.Name)
			}
			b.Add()
			b.Set("model", vector.String(m.Name))
			b.Set("dataset", vector.String(d.Name))
			if d.Parent != "" {
				b.Set("parent", vector.String(d.Parent))
			}
			b.Set("search", vector.String(m.Search(d)))
			b.Set("fields", vector.Strings(fields))
		}
	}
	return b.Batch()
}
