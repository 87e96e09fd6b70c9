package cmd

import (
	"context"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Summary describes a model that fit created.
type Summary struct{ Model string }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "summary", Kind: syntax.KindGenerating,
		Summary: "Describe a model made by fit.",
		Syntax:  "summary <model>",
		Doc: "Returns a row for each group: its fields, `type` of the distribution, `min` and `max` of the numbers, `mean` and `std`\n" +
			"of the distribution, the number of values (`cardinality`), and `distance`, their mean distance from the distribution.\n" +
			"A model that does not exist gives no rows and a warning.",
		Args: []syntax.Arg{{Name: "<model>", Doc: "The name under which fit saved the model."}},
		Examples: []syntax.Example{{
			Lookup: "algorithm,field,threshold,lower_threshold,upper_threshold,show_density,type,loc,scale,min,max,cardinality,distance,by:user\nDensityFunction,n,0.01,,,false,Normal,10,2,4,16,40,0.25,alice\n",
			Search: `| inputlookup example.csv | outputlookup __mlspl_m.csv | table nothing | append [| summary m] | search user=* | table user type mean std cardinality`,
			Want:   []string{`{"user":"alice","type":"Normal","mean":"10","std":"2","cardinality":"40"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			name, err := p.Field()
			return &Summary{name}, err
		},
	})
}

// Print implements syntax.Command.
func (c *Summary) Print() string { return "summary " + syntax.PrintField(c.Model) }

// Needs implements syntax.Command.
func (c *Summary) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Generate implements exec.Generating.
func (c *Summary) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	m, err := loadDensity(env, c.Model)
	if warnNoModel(env, c.Model, err) {
		return exec.Rows(), nil
	}
	if err != nil {
		return nil, err
	}
	b := vector.NewBuilder(append(append([]string(nil), m.By...), "type", "min", "max", "mean", "std", "cardinality", "distance")...)
	for _, d := range m.sorted(env) {
		b.Add()
		for i, name := range m.By {
			b.Set(name, vector.String(d.Keys[i]))
		}
		mean := d.Loc
		if d.Kind == exponential {
			mean += d.Scale
		}
		b.Set("type", vector.String(d.Kind))
		for _, n := range []struct {
			name  string
			value float64
		}{{"min", d.Min}, {"max", d.Max}, {"mean", mean}, {"std", d.Scale}, {"cardinality", float64(d.Cardinality)}, {"distance", d.Distance}} {
			b.Set(n.name, vector.Float(n.value))
		}
	}
	return exec.Rows(b.Batch()), nil
}
