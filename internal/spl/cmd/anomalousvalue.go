package cmd

import (
	"context"
	"slices"
	"strconv"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Anomalousvalue finds rows with improbable values, field by field, as
// anomalydetection method=zscore does. It skips fields that carry little
// information.
type Anomalousvalue struct {
	scores     Anomalydetection // Action, Threshold, Fields
	MinCount   int              // minsupcount
	MinSupport float64          // minsupfreq
	MinNormal  float64          // minnormfreq
	MaxAnomaly float64          // maxanofreq
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "anomalousvalue", Kind: syntax.KindSerial,
		Summary: "Find rows with values that are unlikely for their field.",
		Syntax:  "anomalousvalue [action=filter|annotate|summary] [pthresh=<n>] [minsupcount=<n>] [minsupfreq=<n>] [maxanofreq=<n>] [minnormfreq=<n>] [<field-list>]",
		Doc: "Numbers are scored by their distance from the mean of the field, other values by the share of rows that have them. A\n" +
			"value with a probability below `pthresh` is an anomaly and adds `Anomaly_Score_Num(field)` or\n" +
			"`Anomaly_Score_Cat(field)`. Fields that few rows have, or in which too many values would be anomalies, are skipped.\n" +
			"All rows are held in memory.",
		Args: []syntax.Arg{
			{Name: "action", Default: "filter", Doc: "`filter` keeps only the anomalies, `annotate` keeps all rows, `summary` returns one row for each field."},
			{Name: "pthresh", Default: "0.01", Doc: "A value with a probability below this is an anomaly."},
			{Name: "minsupcount", Default: "100", Doc: "Minimum number of rows that must have a field."},
			{Name: "minsupfreq", Default: "0.05", Doc: "Minimum share of the rows that must have it."},
			{Name: "maxanofreq", Default: "0.05", Doc: "Fields with a larger share of anomalies are skipped."},
			{Name: "minnormfreq", Default: "0.01", Doc: "Minimum share of its values that must not be anomalies."},
			{Name: "<field-list>", Default: "all", Doc: "The fields to examine; wildcards are allowed."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults count=200 | streamstats count AS n | eval port=if(n=7, 31337, 443+n%2) | table n port | anomalousvalue port | eval rare=if('Anomaly_Score_Num(port)'<0.01, "yes", "no") | table n port rare`,
			Want:   []string{`{"n":"7","port":"31337","rare":"yes"}`},
		}},
		Parse: parseAnomalousvalue,
	})
}

func parseAnomalousvalue(p *syntax.Parser) (syntax.Command, error) {
	c := &Anomalousvalue{
		scores:   Anomalydetection{ZScore: true, Action: "filter", Threshold: 0.01},
		MinCount: 100, MinSupport: 0.05, MinNormal: 0.01, MaxAnomaly: 0.05,
	}
	var err error
	c.scores.Fields, err = p.OptionsAndFields([]string{"action", "pthresh", "minsupcount", "minsupfreq", "maxanofreq", "minnormfreq"}, func(o syntax.Option) (err error) {
		switch o.Name {
		case "action":
			err = c.scores.act(o)
		case "minsupcount":
			c.MinCount, err = o.Int(0)
		case "pthresh":
			c.scores.Threshold, err = op.Fraction(o)
		case "minsupfreq":
			c.MinSupport, err = op.Fraction(o)
		case "maxanofreq":
			c.MaxAnomaly, err = op.Fraction(o)
		default:
			c.MinNormal, err = op.Fraction(o)
		}
		return err
	})
	return c, err
}

// Print implements syntax.Command.
func (c *Anomalousvalue) Print() string {
	s := "anomalousvalue action=" + c.scores.Action + " pthresh=" + vector.FormatNumber(c.scores.Threshold) +
		" minsupcount=" + strconv.Itoa(c.MinCount) + " minsupfreq=" + vector.FormatNumber(c.MinSupport) +
		" maxanofreq=" + vector.FormatNumber(c.MaxAnomaly) + " minnormfreq=" + vector.FormatNumber(c.MinNormal)
	if len(c.scores.Fields) > 0 {
		s += " " + syntax.PrintFields(c.scores.Fields)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Anomalousvalue) Needs(out filter.FieldSet) filter.FieldSet { return c.scores.Needs(out) }

// Open implements exec.Serial.
func (c *Anomalousvalue) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		total := 0
		for _, b := range rows {
			env.Poll()
			total += b.Len
		}
		var fields []judged
		for _, name := range c.scores.names(rows) {
			if n := normalOf(env, rows, name); n.rows > 0 {
				fields = append(fields, c.judge(env, rows, n, total))
			}
		}
		if c.scores.Action == "summary" {
			return exec.Rows(summaryOfValues(fields, total)), nil
		}
		used := slices.DeleteFunc(fields, func(f judged) bool { return !f.used })
		list := make([]*normal, len(used))
		for i := range used {
			list[i] = used[i].normal
		}
		return exec.Rows(c.scores.marked(env, rows, list)...), nil
	}), nil
}

// judged is a field with its number of anomalies and whether the field is used.
type judged struct {
	*normal
	anomalies int
	used      bool
}

func (c *Anomalousvalue) judge(env *exec.Env, rows []*vector.Batch, n *normal, total int) judged {
	j := judged{normal: n}
	op.EachValue(env, rows, n.name, func(v vector.Value) {
		if n.score(v) < c.scores.Threshold {
			j.anomalies++
		}
	})
	strange := float64(j.anomalies) / float64(n.rows)
	j.used = n.rows >= c.MinCount && float64(n.rows) >= c.MinSupport*float64(total) && strange <= c.MaxAnomaly && 1-strange >= c.MinNormal
	return j
}

// summaryOfValues returns the table for action=summary.
func summaryOfValues(fields []judged, total int) *vector.Batch {
	b := vector.NewBuilder("fieldname", "count", "distinct_count", "mean", "stdev", "supportFreq%", "catAnoFreq%", "catNormFreq%", "numAnoFreq%", "numNormFreq%", "isNum", "useCat", "useNum")
	yes := func(is bool) vector.Value {
		if is {
			return vector.String("YES")
		}
		return vector.String("NO")
	}
	for _, f := range fields {
		b.Add()
		b.Set("fieldname", vector.String(f.name))
		b.Set("count", vector.Int(f.rows))
		b.Set("distinct_count", vector.Int(len(f.counts)))
		b.Set("supportFreq%", vector.Float(100*float64(f.rows)/float64(total)))
		kind := "cat"
		if f.numbers {
			kind = "num"
			b.Set("mean", vector.Float(f.mean))
			b.Set("stdev", vector.Float(f.stdev))
		}
		b.Set(kind+"AnoFreq%", vector.Float(100*float64(f.anomalies)/float64(f.rows)))
		b.Set(kind+"NormFreq%", vector.Float(100*float64(f.rows-f.anomalies)/float64(f.rows)))
		b.Set("isNum", yes(f.numbers))
		b.Set("useCat", yes(f.used && !f.numbers))
		b.Set("useNum", yes(f.used && f.numbers))
	}
	return b.Batch()
}
