package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// density models the distribution of a numeric field in each group, like
// DensityFunction of Splunk's Machine Learning Toolkit.
type density struct {
	Field  string
	By     []string
	Bounds densityBounds
	groups map[string]*distribution // by the values of By
}

// densityBounds define which share of the numbers counts as outliers.
type densityBounds struct {
	Threshold    float64 // both tails together; NaN = not set
	Lower, Upper float64 // one tail each; NaN = not set
	Show         bool    // show_density
}

var densityDefaults = densityBounds{Threshold: op.NaN, Lower: op.NaN, Upper: op.NaN}

// defaultThreshold applies if neither fit nor apply sets a threshold.
const defaultThreshold = 0.01

var densityOptions = []string{"threshold", "lower_threshold", "upper_threshold", "show_density", "show_options", "sample", "full_sample", "random_state"}

func (d *densityBounds) option(o syntax.Option) (err error) {
	share := func(dst *float64) error {
		f, err := op.Number(o)
		if err == nil && !(f > 0 && f < 1) {
			err = diag.At(o.Value.Span, "%s must be a share above 0 and below 1, not %q", o.Name, o.Value.Text)
		}
		*dst = f
		return err
	}
	switch o.Name {
	case "threshold":
		return share(&d.Threshold)
	case "lower_threshold":
		return share(&d.Lower)
	case "upper_threshold":
		return share(&d.Upper)
	case "show_density":
		d.Show, err = o.Bool()
	}
	return err
}

func (d densityBounds) print() (s string) {
	for _, o := range []struct {
		name  string
		value float64
	}{{"threshold", d.Threshold}, {"lower_threshold", d.Lower}, {"upper_threshold", d.Upper}} {
		if !math.IsNaN(o.value) {
			s += " " + o.name + "=" + vector.FormatNumber(o.value)
		}
	}
	if d.Show {
		s += " show_density=true"
	}
	return s
}

// over returns d, with the thresholds of base if d sets none.
func (d densityBounds) over(base densityBounds) densityBounds {
	if math.IsNaN(d.Threshold) && math.IsNaN(d.Lower) && math.IsNaN(d.Upper) {
		d.Threshold, d.Lower, d.Upper = base.Threshold, base.Lower, base.Upper
	}
	d.Show = d.Show || base.Show
	return d
}

// tails returns the shares of the lower and the upper tail that count as
// outliers.
func (d densityBounds) tails(kind string) (low, high float64) {
	if math.IsNaN(d.Lower) && math.IsNaN(d.Upper) {
		both := d.Threshold
		if math.IsNaN(both) {
			both = defaultThreshold
		}
		if kind == exponential { // its density is highest at the lower end
			return 0, both
		}
		return both / 2, both / 2
	}
	zero := func(f float64) float64 {
		if math.IsNaN(f) {
			return 0
		}
		return f
	}
	return zero(d.Lower), zero(d.Upper)
}

// Kinds of distribution, as summary shows them.
const (
	normalKind  = "Normal"
	exponential = "Exponential"
)

// distribution is the fitted distribution of one group.
type distribution struct {
	Keys        []string
	Kind        string
	Loc, Scale  float64 // mean and standard deviation; for exponential, minimum and mean distance from it
	Min, Max    float64
	Cardinality int
	Distance    float64 // mean distance of the numbers from their expected positions
}

// fitDistribution fits a distribution of the given kind to numbers, "" = the
// better fit.
func fitDistribution(env *exec.Env, nums []float64, kind string) *distribution {
	exec.Sort(env, nums, cmp.Compare)
	n := float64(len(nums))
	sum := 0.0
	for _, f := range nums {
		sum += f
	}
	mean, squares := sum/n, 0.0
	for _, f := range nums {
		squares += (f - mean) * (f - mean)
	}
	var best *distribution
	var every exec.Every
	for _, k := range []string{normalKind, exponential} {
		if kind != "" && kind != k {
			continue
		}
		d := &distribution{Kind: k, Loc: mean, Scale: math.Sqrt(squares / n), Min: nums[0], Max: nums[len(nums)-1], Cardinality: len(nums)}
		if k == exponential {
			d.Loc, d.Scale = d.Min, mean-d.Min
		}
		for i, f := range nums {
			every.Poll(env, 256)
			d.Distance += math.Abs(f-d.quantile((float64(i)+0.5)/n)) / n
		}
		if best == nil || d.Distance < best.Distance {
			best = d
		}
	}
	return best
}

// quantile returns the number below which the given share of the distribution
// lies.
func (d *distribution) quantile(share float64) float64 {
	if d.Kind == exponential {
		return d.Loc - d.Scale*math.Log1p(-share)
	}
	if d.Scale == 0 {
		return d.Loc
	}
	return d.Loc + d.Scale*math.Sqrt2*math.Erfinv(2*share-1)
}

// at returns the density at f.
func (d *distribution) at(f float64) float64 {
	switch {
	case d.Scale == 0:
		return 0
	case d.Kind == exponential && f < d.Loc:
		return 0
	case d.Kind == exponential:
		return math.Exp(-(f-d.Loc)/d.Scale) / d.Scale
	}
	z := (f - d.Loc) / d.Scale
	return math.Exp(-z*z/2) / (d.Scale * math.Sqrt(2*math.Pi))
}

// judge reports whether a number is an outlier. It also returns the outlier
// ranges, each as from:to:share.
func (d *distribution) judge(f float64, bounds densityBounds) (outlier bool, ranges []string) {
	low, high := bounds.tails(d.Kind)
	show := func(f float64) string { return strconv.FormatFloat(f, 'f', 4, 64) }
	if low > 0 {
		q := d.quantile(low)
		outlier = f < q
		ranges = append(ranges, "-Infinity:"+show(q)+":"+vector.FormatNumber(low))
	}
	if high > 0 {
		q := d.quantile(1 - high)
		outlier = outlier || f > q
		ranges = append(ranges, show(q)+":Infinity:"+vector.FormatNumber(high))
	}
	return outlier, ranges
}

// groupKey returns the key of a row's By fields, false if one is missing.
func (m *density) groupKey(b *vector.Batch, i int) (key string, values []string, ok bool) {
	for _, name := range m.By {
		v := b.At(name, i)
		if v.IsNull() {
			return "", nil, false
		}
		values = append(values, v.Text())
	}
	return strings.Join(values, "\x00"), values, true
}

// addTo adds the columns of apply to a batch. Rows of groups that the model
// does not know get no values.
func (m *density) addTo(ctx context.Context, b *vector.Batch) *vector.Batch {
	outlier, ranges, dens := make([]vector.Value, b.Len), make([]vector.Value, b.Len), make([]vector.Value, b.Len)
	pulse := exec.NewPulse(ctx)
	for i := range b.Len {
		pulse.Work(256)
		f, isNumber := b.At(m.Field, i).Num()
		key, _, ok := m.groupKey(b, i)
		d := m.groups[key]
		if !isNumber || !ok || d == nil {
			continue
		}
		out, list := d.judge(f, m.Bounds)
		outlier[i] = vector.String("0.0")
		if out {
			outlier[i] = vector.String("1.0")
		}
		ranges[i], dens[i] = vector.Strings(list), vector.Float(d.at(f))
	}
	b = b.With(vector.NewColumn("BoundaryRanges", ranges), vector.NewColumn("IsOutlier("+m.Field+")", outlier))
	if m.Bounds.Show {
		b = b.With(vector.NewColumn("ProbabilityDensity("+m.Field+")", dens))
	}
	return b
}

// ModelTable returns the name of the lookup that stores a model.
func ModelTable(name string) string {
	_, after, ok := strings.Cut(name, ":") // app:name
	if ok {
		name = after
	}
	return modelPrefix + name + ".csv"
}

const modelPrefix = "__mlspl_"

// IsModelTable reports whether a lookup stores a model.
func IsModelTable(name string) bool { return strings.HasPrefix(name, modelPrefix) }

// modelColumns are the columns of a model's lookup before the By fields.
var modelColumns = []string{"algorithm", "field", "threshold", "lower_threshold", "upper_threshold", "show_density", "type", "loc", "scale", "min", "max", "cardinality", "distance"}

// save writes the model to a lookup of the knowledge folder.
func (m *density) save(ctx context.Context, env *exec.Env, name string) error {
	if env.Memory.Over() != nil {
		env.Warn("the model %q was not written: the search ended before it had all rows", name)
		return nil
	}
	w := env.Knowledge
	if w == nil {
		return fmt.Errorf("cannot write model %q: no folder of lookups is known (give one with --knowledge)", name)
	}
	exact := func(f float64) string {
		if math.IsNaN(f) {
			return ""
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	t := &lookup.Table{Name: name, Columns: slices.Clone(modelColumns)}
	for _, by := range m.By {
		t.Columns = append(t.Columns, "by:"+by)
	}
	for _, d := range m.sorted(env) {
		t.Rows = append(t.Rows, append([]string{
			"DensityFunction", m.Field, exact(m.Bounds.Threshold), exact(m.Bounds.Lower), exact(m.Bounds.Upper), strconv.FormatBool(m.Bounds.Show),
			d.Kind, exact(d.Loc), exact(d.Scale), exact(d.Min), exact(d.Max), strconv.Itoa(d.Cardinality), exact(d.Distance),
		}, d.Keys...))
	}
	return w.WriteTable(ctx, ModelTable(name), t)
}

// sorted returns the groups ordered by key.
func (m *density) sorted(env *exec.Env) []*distribution {
	keys := exec.SortedKeys(env, m.groups)
	list := make([]*distribution, len(keys))
	for i, k := range keys {
		list[i] = m.groups[k]
	}
	return list
}

// warnNoModel warns if err says that the model does not exist yet, and reports
// whether it did. A model that is not trained yet must not fail the search.
func warnNoModel(env *exec.Env, name string, err error) bool {
	if !errors.Is(err, exec.ErrNoTable) {
		return false
	}
	env.Warn("there is no model %q yet: create it with fit … into %s", name, name)
	return true
}

// loadDensity reads a model that fit wrote.
func loadDensity(env *exec.Env, name string) (*density, error) {
	if env.Knowledge == nil {
		return nil, exec.ErrNoTable
	}
	t, err := env.Table(ModelTable(name))
	if err != nil {
		return nil, fmt.Errorf("cannot open model %q: %w", name, err)
	}
	if len(t.Columns) < len(modelColumns) || !slices.Equal(t.Columns[:len(modelColumns)], modelColumns) {
		return nil, fmt.Errorf("the lookup %q is not a model: it must start with the columns %s", ModelTable(name), strings.Join(modelColumns, ", "))
	}
	m := &density{groups: map[string]*distribution{}, Bounds: densityDefaults}
	for _, c := range t.Columns[len(modelColumns):] {
		m.By = append(m.By, strings.TrimPrefix(c, "by:"))
	}
	for r := range t.Rows {
		cell := func(i int) string { return t.Value(r, i).Text() }
		num := func(i int) float64 {
			if f, ok := vector.ParseNumber(cell(i)); ok {
				return f
			}
			return op.NaN
		}
		m.Field = cell(1)
		m.Bounds = densityBounds{Threshold: num(2), Lower: num(3), Upper: num(4), Show: cell(5) == "true"}
		d := &distribution{Kind: cell(6), Loc: num(7), Scale: num(8), Min: num(9), Max: num(10), Cardinality: int(num(11)), Distance: num(12)}
		if d.Kind != normalKind && d.Kind != exponential || math.IsNaN(d.Loc+d.Scale) {
			return nil, fmt.Errorf("the model %q cannot be read: row %d is not a distribution", name, r+1)
		}
		for i := range m.By {
			d.Keys = append(d.Keys, cell(len(modelColumns)+i))
		}
		m.groups[strings.Join(d.Keys, "\x00")] = d
	}
	return m, nil
}
