package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Fit learns the distribution of a numeric field and marks the outliers.
type Fit struct {
	Field  string
	By     []string
	Into   string // "" = do not save the model
	Kind   string // of the distribution, "" = the better fit
	Bounds densityBounds
}

// distKinds maps the values of dist to kinds of distribution.
var distKinds = map[string]string{"norm": normalKind, "expon": exponential, "auto": ""}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "fit", Kind: syntax.KindSerial,
		Summary: "Learn the distribution of a numeric field and mark the outliers.",
		Syntax:  "fit DensityFunction <field> [BY \"<field>, …\"] [into <model>] [dist=norm|expon|auto] [threshold=<share>] [lower_threshold=<share>] [upper_threshold=<share>] [show_density=<bool>]",
		Doc: "DensityFunction is the only algorithm. Each group gets its own distribution. The rows are kept and get\n" +
			"`BoundaryRanges`, the ranges of outliers as `from:to:share`, and `IsOutlier(<field>)`, 1.0 or 0.0. A model is saved in\n" +
			"`lookups/__mlspl_<model>.csv` of the knowledge folder, for apply and summary. Rows without the number or a BY field\n" +
			"are ignored; if no rows are left, the rows pass unchanged and no model is saved.",
		Args: []syntax.Arg{
			{Name: "<field>", Doc: "The numeric field."},
			{Name: "BY", Doc: "The fields to group by, quoted or bare."},
			{Name: "into", Doc: "The name of the model; app:name is read as name."},
			{Name: "dist", Default: "auto", Doc: "The normal or the exponential distribution, or whichever fits the numbers better."},
			{Name: "threshold", Default: "0.01", Doc: "The share of the distribution that counts as outliers; for a normal distribution, half on either side."},
			{Name: "lower_threshold, upper_threshold", Doc: "The share on one side, instead of threshold."},
			{Name: "show_density", Default: "false", Doc: "Add `ProbabilityDensity(<field>)`."},
			{Name: "show_options, sample, full_sample, random_state", Doc: "Accepted for compatibility; ignored. All rows are used for learning."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults count=100 | streamstats count as n | eval v=if(n=100, 500, n%10) | fit DensityFunction v dist=norm | search "IsOutlier(v)"=1.0 | table n v`,
			Want:   []string{`{"n":"100","v":"500"}`},
		}},
		Parse: parseFit,
	})
}

func parseFit(p *syntax.Parser) (syntax.Command, error) {
	c := &Fit{Bounds: densityDefaults}
	tok, err := p.Take()
	if err != nil {
		return nil, err
	}
	if !tok.IsWord("DensityFunction") {
		return nil, diag.At(tok.Span, "fit supports only the algorithm DensityFunction, not %q", tok.Text).WithHint("instead, use eventstats with avg and stdev, or anomalydetection")
	}
	if c.Field, err = p.Field(); err != nil {
		return nil, err
	}
	for !p.AtEnd() {
		err := p.Options(append([]string{"dist"}, densityOptions...), func(o syntax.Option) error {
			if o.Name != "dist" {
				return c.Bounds.option(o)
			}
			kind, ok := distKinds[strings.ToLower(o.Value.Text)]
			if !ok {
				return diag.At(o.Value.Span, "dist must be norm, expon or auto, not %q", o.Value.Text)
			}
			c.Kind = kind
			return nil
		})
		switch {
		case err != nil:
		case p.AtEnd():
		case p.AcceptWord("by"):
			c.By, err = splitFields(p)
		case p.AcceptWord("into"):
			c.Into, err = p.Field()
		default:
			err = p.Unexpected(p.Peek(), "BY, into or an option")
		}
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// splitFields reads fields. A quoted argument may contain several.
func splitFields(p *syntax.Parser) ([]string, error) {
	names, err := p.Fields("into")
	if err != nil {
		return nil, err
	}
	var list []string
	for _, n := range names {
		for _, f := range strings.Split(n, ",") {
			if f = strings.TrimSpace(f); f != "" {
				list = append(list, f)
			}
		}
	}
	return list, nil
}

// Writes returns the lookup that is written, "" for none.
func (c *Fit) Writes() string {
	if c.Into == "" {
		return ""
	}
	return ModelTable(c.Into)
}

// Print implements syntax.Command.
func (c *Fit) Print() string {
	s := "fit DensityFunction " + syntax.PrintField(c.Field)
	if len(c.By) > 0 {
		s += " BY " + filter.Quote(strings.Join(c.By, ","))
	}
	if c.Into != "" {
		s += " into " + syntax.PrintField(c.Into)
	}
	for name, kind := range distKinds {
		if kind == c.Kind && kind != "" {
			s += " dist=" + name
		}
	}
	return s + c.Bounds.print()
}

// Needs implements syntax.Command.
func (c *Fit) Needs(out filter.FieldSet) filter.FieldSet {
	return out.Add(c.Field).Add(c.By...)
}

// Open implements exec.Serial.
func (c *Fit) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(ctx context.Context, rows []*vector.Batch) (exec.Operator, error) {
		m, err := c.learn(env, rows)
		if err != nil {
			return nil, err
		}
		if len(m.groups) == 0 {
			if slices.ContainsFunc(rows, func(b *vector.Batch) bool { return b.Len > 0 }) {
				env.Warn("fit has nothing to learn from: no row has a number in %s and the BY fields", syntax.PrintField(c.Field))
			}
			return exec.Rows(rows...), nil
		}
		if c.Into != "" {
			if err := m.save(ctx, env, c.Into); err != nil {
				return nil, err
			}
		}
		out := make([]*vector.Batch, len(rows))
		for i, b := range rows {
			out[i] = m.addTo(ctx, b)
		}
		return exec.Rows(out...), nil
	}), nil
}

// maxDensityGroups bounds the groups of a model.
const maxDensityGroups = 1 << 20

func (c *Fit) learn(env *exec.Env, rows []*vector.Batch) (*density, error) {
	m := &density{Field: c.Field, By: c.By, Bounds: c.Bounds, groups: map[string]*distribution{}}
	nums, keys := map[string][]float64{}, map[string][]string{}
	var every exec.Every
	for _, b := range rows {
		for i := range b.Len {
			every.Poll(env, 64)
			f, ok := b.At(c.Field, i).Num()
			key, values, known := m.groupKey(b, i)
			if !ok || !known {
				continue
			}
			if keys[key] == nil && len(nums) == maxDensityGroups {
				return nil, fmt.Errorf("the model would have more than %d groups", maxDensityGroups)
			}
			keys[key], nums[key] = values, append(nums[key], f)
		}
	}
	for key, list := range nums {
		m.groups[key] = fitDistribution(env, list, c.Kind)
		m.groups[key].Keys = keys[key]
	}
	return m, nil
}
