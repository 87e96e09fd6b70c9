package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Apply marks outliers according to a model that fit made.
type Apply struct {
	Model  string
	Bounds densityBounds
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "apply", Kind: syntax.KindStreaming,
		Summary: "Mark outliers with a model made by fit.",
		Syntax:  "apply <model> [threshold=<share>] [lower_threshold=<share>] [upper_threshold=<share>] [show_density=<bool>]",
		Doc: "Adds the fields that fit adds. Rows of groups that the model does not know get none of them. If the model does not\n" +
			"exist, no row does, and a warning says so.",
		Args: []syntax.Arg{
			{Name: "<model>", Doc: "The name under which fit saved the model."},
			{Name: "threshold, lower_threshold, upper_threshold, show_density", Default: "as in fit", Doc: "As in fit."},
			{Name: "show_options, sample, full_sample, random_state", Doc: "Accepted for compatibility; ignored."},
		},
		Examples: []syntax.Example{{
			Lookup: "n\n1\n",
			Search: `| makeresults count=50 | streamstats count as n | eval v=n%10 | fit DensityFunction v into m dist=norm | head 1 | eval v=100 | apply m threshold=0.001 | table v "IsOutlier(v)"`,
			Want:   []string{`{"v":"100","IsOutlier(v)":"1.0"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Apply{Bounds: densityDefaults}
			err := p.Options(densityOptions, c.Bounds.option)
			if err == nil {
				c.Model, err = p.Field()
			}
			if err == nil {
				err = p.Options(densityOptions, c.Bounds.option)
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Apply) Print() string { return "apply " + syntax.PrintField(c.Model) + c.Bounds.print() }

// Needs implements syntax.Command. The fields that the model reads are unknown
// until it is loaded.
func (c *Apply) Needs(out filter.FieldSet) filter.FieldSet { return out.Union(filter.AllFields()) }

// NewMapper implements exec.Streaming. The model is loaded when the first rows
// arrive, since an earlier command may write it.
func (c *Apply) NewMapper(env *exec.Env) (exec.Mapper, error) { return &apply{c: c, env: env}, nil }

type apply struct {
	c     *Apply
	env   *exec.Env
	model *density
	none  bool // the model does not exist
}

// Map implements exec.Mapper.
func (m *apply) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	if m.none {
		return b, nil
	}
	if m.model == nil {
		model, err := loadDensity(m.env, m.c.Model)
		if m.none = warnNoModel(m.env, m.c.Model, err); m.none {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
		model.Bounds = m.c.Bounds.over(model.Bounds)
		m.model = model
	}
	return m.model.addTo(ctx, b), nil
}
