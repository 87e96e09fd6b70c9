package cmd

import (
	"context"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Anomalydetection finds rows whose values are improbable.
type Anomalydetection struct {
	ZScore    bool    // method=zscore; otherwise histogram
	Action    string  // filter, annotate, summary
	Threshold float64 // pthresh, NaN = choose automatically
	Cutoff    bool
	Fields    []string // names and patterns; none = all but internal ones
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "anomalydetection", Kind: syntax.KindSerial,
		Summary: "Find rows with unlikely values.",
		Syntax:  "anomalydetection [method=histogram|zscore|iqr] [action=filter|annotate|summary] [pthresh=<n>] [cutoff=<bool>] [<field-list>]",
		Doc: "`histogram` multiplies, for each row, the shares of rows that have each of its values; numbers are put into buckets\n" +
			"first. A row is an anomaly when the logarithm of the product, `log_event_prob`, is far below that of the other rows.\n" +
			"Anomalies get `log_event_prob`, `probable_cause` (the field with the rarest value), `probable_cause_freq` (its share)\n" +
			"and `max_freq` (the share of that field's most common value). `zscore` looks at each field on its own: numbers by\n" +
			"their distance from the mean, other values by their share. Anomalies get `Anomaly_Score_Num(field)` or\n" +
			"`Anomaly_Score_Cat(field)`. `iqr` runs the outlier command. All rows are held in memory.",
		Args: []syntax.Arg{
			{Name: "method", Default: "histogram", Doc: "How to find unlikely values."},
			{Name: "action", Default: "filter", Doc: "`filter` keeps only the anomalies, `annotate` keeps all rows and marks the anomalies, `summary` counts them. With iqr, as in outlier."},
			{Name: "pthresh", Default: "histogram: automatic, zscore: 0.01", Doc: "A row or value with a probability below this is an anomaly."},
			{Name: "cutoff", Default: "true", Doc: "histogram: when true, rows up to three interquartile ranges below the lower quartile of log_event_prob are normal; when false, up to one and a half."},
			{Name: "mark, param, uselower", Doc: "With iqr, as in outlier."},
			{Name: "<field-list>", Default: "all", Doc: "The fields to examine; wildcards are allowed."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults count=20 | streamstats count AS n | eval u=if(n=7, "mallory", "alice") | table n u | anomalydetection u | table n u probable_cause probable_cause_freq max_freq`,
			Want:   []string{`{"n":"7","u":"mallory","probable_cause":"u","probable_cause_freq":"0.05","max_freq":"0.95"}`},
		}},
		Parse: parseAnomalydetection,
	})
}

func parseAnomalydetection(p *syntax.Parser) (syntax.Command, error) {
	c := &Anomalydetection{Action: "filter", Threshold: op.NaN, Cutoff: true}
	iqr := &Outlier{Param: 2.5, command: "anomalydetection"}
	method := "histogram"
	var action *syntax.Option
	var outlierOnly *syntax.Option
	set := func(o syntax.Option) (err error) {
		switch o.Name {
		case "method":
			if method = strings.ToLower(o.Value.Text); !slices.Contains([]string{"histogram", "zscore", "iqr"}, method) {
				err = diag.At(o.Value.Span, "method must be histogram, zscore or iqr, not %q", o.Value.Text)
			}
		case "action":
			action = &o
		case "pthresh":
			c.Threshold, err = op.Number(o)
		case "cutoff":
			c.Cutoff, err = o.Bool()
		default:
			outlierOnly = &o
			err = iqr.option(o)
		}
		return err
	}
	var err error
	if c.Fields, err = p.OptionsAndFields([]string{"method", "action", "pthresh", "cutoff", "mark", "param", "uselower"}, set); err != nil {
		return nil, err
	}
	if method == "iqr" {
		iqr.Fields = c.Fields
		if action != nil {
			if err := iqr.option(*action); err != nil {
				return nil, err
			}
		}
		return iqr, nil
	}
	if outlierOnly != nil {
		return nil, diag.At(outlierOnly.Span, "%s is an option of method=iqr", outlierOnly.Name)
	}
	c.ZScore = method == "zscore"
	if action != nil {
		if err := c.act(*action); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Anomalydetection) act(o syntax.Option) error {
	if c.Action = strings.ToLower(o.Value.Text); !slices.Contains([]string{"filter", "annotate", "summary"}, c.Action) {
		return diag.At(o.Value.Span, "action must be filter, annotate or summary, not %q", o.Value.Text)
	}
	return nil
}

// Print implements syntax.Command.
func (c *Anomalydetection) Print() string {
	s := "anomalydetection"
	if c.ZScore {
		s += " method=zscore"
	}
	if c.Action != "filter" {
		s += " action=" + c.Action
	}
	if c.Threshold == c.Threshold {
		s += " pthresh=" + vector.FormatNumber(c.Threshold)
	}
	if !c.Cutoff {
		s += " cutoff=false"
	}
	if len(c.Fields) > 0 {
		s += " " + syntax.PrintFields(c.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Anomalydetection) Needs(out filter.FieldSet) filter.FieldSet {
	if len(c.Fields) == 0 {
		return filter.AllFields()
	}
	return out.Add(c.Fields...)
}

// Open implements exec.Serial.
func (c *Anomalydetection) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		names := c.names(rows)
		if c.ZScore {
			return c.byScore(env, rows, names), nil
		}
		return c.byHistogram(env, rows, names), nil
	}), nil
}

// names returns the fields to examine, in order.
func (c *Anomalydetection) names(rows []*vector.Batch) []string {
	names := slices.DeleteFunc(op.ColumnNames(rows), func(name string) bool { return !op.Listed(c.Fields, name) })
	slices.Sort(names)
	return names
}

// kept returns the rows that remain after the action.
func (c *Anomalydetection) kept(b *vector.Batch, anomaly []bool) *vector.Batch {
	if c.Action == "annotate" {
		return b
	}
	var stay []int32
	for i, a := range anomaly {
		if a {
			stay = append(stay, int32(i))
		}
	}
	return b.Pick(stay)
}
