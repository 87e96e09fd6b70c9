package cmd

import (
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
)

// Chart computes aggregates over the values of one field and splits the columns
// by the values of a second field. Timechart is a Chart over _time.
type Chart struct {
	Time       bool
	Aggs       []*op.Aggregation // computed by the grouper
	Values     []chartValue      // shown as columns
	Row, Col   string            // "" = no such field
	RowBins    op.Buckets
	ColBins    op.Buckets
	Limit      int // 0 = all
	Bottom     bool
	Keep       *seriesTest // WHERE
	UseOther   bool
	UseNull    bool
	Other      string
	Null       string
	Sep        string
	Format     string // with $AGG$ and $VAL$; "" = as Sep says
	Score      string // agg: what columns are ranked by; "" = see grid.rankByCount
	Split      bool   // dedup_splitvals
	Continuous bool
	FixedRange bool
	Partial    bool
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "chart", Kind: syntax.KindTransforming,
		Summary: "Aggregate into a table with rows from one field and columns from another.",
		Syntax:  "chart [<options>] <aggregate> | eval(<expression over aggregates>) … [OVER <field> [span=<span>] [BY <field> [span=<span>]] | BY <field> [span=<span>] [<field> [span=<span>]]] [WHERE <agg> in topN | <agg> > <n>]",
		Doc: "Rows are sorted by their field. Columns are in alphabetical order, followed by OTHER (everything beyond `limit`, which\n" +
			"keeps the ten columns with the largest sums) and NULL (events without the second field). A count of nothing is 0;\n" +
			"other aggregates are missing. With several aggregates, a column is named `aggregate: value`, and `limit` ranks values\n" +
			"by their number of events. Without OVER and BY there is one row.",
		Args: append([]syntax.Arg{
			{Name: "span", Doc: "The bucket width for the preceding field, or otherwise for the rows: 10, log2, or 1h for `_time`."},
			{Name: "bins, minspan, start, end", Doc: "Choose a width automatically: maximum number of buckets (300), their minimum width, and the range to divide."},
			{Name: "cont", Default: "true", Doc: "With buckets: add empty buckets."},
		}, chartArgs...),
		Examples: []syntax.Example{{
			Search: "| makeresults format=csv data=\"a,b\nx,1\nx,2\ny,1\" | chart count over a by b",
			Want:   []string{`{"a":"x","1":"1","2":"1"}`, `{"a":"y","1":"1","2":"0"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) { return parseChart(p, &Chart{}) },
	})
}

var chartArgs = []syntax.Arg{
	{Name: "limit", Default: "top10", Doc: "Maximum number of columns: topN, bottomN or N; 0 means all."},
	{Name: "useother, otherstr", Default: "true, OTHER", Doc: "Add a column for all other values."},
	{Name: "usenull, nullstr", Default: "true, NULL", Doc: "Add a column for events without the field."},
	{Name: "sep", Default: ": ", Doc: "Separator between aggregate and value in column names."},
	{Name: "format", Doc: "Format of column names with several aggregates, such as `$VAL$/$AGG$`; takes precedence over sep."},
	{Name: "agg", Default: "sum", Doc: "The aggregate of a column's cells that `limit` ranks by, such as max; `agg=avg(x)` is what is shown."},
	{Name: "dedup_splitvals", Default: "false", Doc: "Count a value that occurs twice in an event only once."},
}

var chartOptions = append([]string{"limit", "useother", "otherstr", "usenull", "nullstr", "sep", "cont", "fixedrange", "agg", "format", "partial", "dedup_splitvals"}, op.BucketOptions...)

func parseChart(p *syntax.Parser, c *Chart) (syntax.Command, error) {
	c.Limit, c.UseOther, c.UseNull, c.Other, c.Null, c.Sep = 10, true, true, "OTHER", "NULL", ": "
	c.Continuous, c.FixedRange, c.Partial = true, true, true
	c.RowBins, c.ColBins = op.NoBuckets, op.NoBuckets
	split, over := false, false // whether BY and OVER were read
	agg := -1                   // where the value of option agg starts, -1 = none
	option := func(o syntax.Option) error {
		if o.Name == "agg" {
			agg = o.Value.Span.Start
		}
		return c.option(o)
	}
	for !p.AtEnd() {
		if err := p.Options(chartOptions, option); err != nil {
			return nil, err
		}
		switch tok := p.Peek(); {
		case p.AtEnd():
		case c.Time && len(c.Values) == 0 && !split && tok.IsWord("_time"): // the row field of every timechart
			p.AcceptWord("_time")
		case tok.Is("(") && agg >= 0: // agg=avg(x), another way to write the shown values
			p.Reset(agg)
			c.Score, agg = "", -1
			if err := c.parseValues(p); err != nil {
				return nil, err
			}
		case p.AcceptWord("over"):
			if c.Time {
				return nil, diag.At(tok.Span, "timechart is always over _time").WithHint("chart takes OVER")
			}
			if over || c.Col != "" {
				return nil, diag.At(tok.Span, "a chart takes one field after OVER and one after BY")
			}
			name, err := p.Field()
			if err != nil {
				return nil, err
			}
			c.Row, c.Col, over = name, c.Row, true
		case p.AcceptWord("by"):
			split = true
			if err := c.fields(p, over); err != nil {
				return nil, err
			}
		case p.AcceptWord("where"):
			var err error
			if c.Keep, err = parseSeriesTest(p); err != nil {
				return nil, err
			}
		case split && len(c.Values) > 0: // by _time span=1h user
			if err := c.fields(p, over); err != nil {
				return nil, err
			}
		default:
			if err := c.parseValues(p); err != nil {
				return nil, err
			}
		}
	}
	if len(c.Values) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "an aggregate such as count or avg(field)")
	}
	return c, nil
}

// fields reads names of BY.
func (c *Chart) fields(p *syntax.Parser, over bool) error {
	at := p.Peek().Span
	names, err := p.Fields("where", "over")
	if err != nil {
		return err
	}
	for _, name := range names {
		switch {
		case c.Row == "":
			c.Row = name
		case c.Col == "":
			c.Col = name
		case slices.Contains(chartOptions, strings.ToLower(name)):
			return diag.At(at, "%s is not a field here", name).WithHint("write the option as %s=<value>", name)
		case c.Time:
			return diag.At(at, "timechart takes one field after BY").WithHint("combine several into one: eval both=%s.\":\".%s", c.Col, name)
		case over:
			return diag.At(at, "after OVER, BY takes one field")
		default:
			return diag.At(at, "a chart takes at most two fields, one for rows and one for columns")
		}
	}
	return nil
}

func (c *Chart) option(o syntax.Option) (err error) {
	switch o.Name {
	case "limit":
		text := strings.ToLower(o.Value.Text)
		c.Bottom = strings.HasPrefix(text, "bottom")
		n, nerr := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(text, "top"), "bottom"))
		if nerr != nil || n < 0 {
			return diag.At(o.Value.Span, "limit must be a number, topN or bottomN, not %q", o.Value.Text)
		}
		c.Limit = n
	case "useother":
		c.UseOther, err = o.Bool()
	case "otherstr":
		c.Other = o.Value.Text
	case "usenull":
		c.UseNull, err = o.Bool()
	case "nullstr":
		c.Null = o.Value.Text
	case "sep":
		c.Sep = o.Value.Text
	case "cont":
		c.Continuous, err = o.Bool()
	case "fixedrange":
		c.FixedRange, err = o.Bool()
	case "partial":
		c.Partial, err = o.Bool()
	case "format":
		c.Format = o.Value.Text
	case "agg":
		c.Score, err = scoreName(o.Value)
	case "dedup_splitvals":
		c.Split, err = o.Bool()
	default:
		bins := c.binsFor(o)
		if err = bins.Option(o, 1); err == nil && bins == &c.RowBins && c.Time {
			err = bins.CheckTimes(o)
		}
	}
	return err
}

// binsFor returns the buckets that an option applies to: those of the preceding
// field, or of the rows if there is none. In a timechart the options apply to
// time, except that a numeric span after a time span goes to the column field.
func (c *Chart) binsFor(o syntax.Option) *op.Buckets {
	if c.Col == "" {
		return &c.RowBins
	}
	if c.Time {
		if span, err := op.ParseSpan(o); o.Name != "span" || err != nil || c.RowBins.Span == nil || span.Unit != "" && span.Unit != "log" {
			return &c.RowBins
		}
	}
	return &c.ColBins
}

func (c *Chart) name() string {
	if c.Time {
		return "timechart"
	}
	return "chart"
}

// Print implements syntax.Command.
func (c *Chart) Print() string {
	var b strings.Builder
	b.WriteString(c.name())
	opt := func(set bool, text string) {
		if set {
			b.WriteString(" " + text)
		}
	}
	b.WriteString(c.RowBins.PrintBins())
	rank := "top"
	if c.Bottom {
		rank = "bottom"
	}
	opt(c.Limit != 10 || c.Bottom, "limit="+rank+strconv.Itoa(c.Limit))
	opt(!c.UseOther, "useother=false")
	opt(!c.UseNull, "usenull=false")
	opt(c.Other != "OTHER", "otherstr="+syntax.PrintOption(c.Other))
	opt(c.Null != "NULL", "nullstr="+syntax.PrintOption(c.Null))
	opt(c.Sep != ": ", "sep="+syntax.PrintOption(c.Sep))
	opt(c.Format != "", "format="+syntax.PrintOption(c.Format))
	opt(c.Score != "", "agg="+syntax.PrintOption(c.Score))
	opt(!c.Partial, "partial=false")
	opt(!c.Continuous, "cont=false")
	opt(!c.FixedRange, "fixedrange=false")
	opt(c.Split, "dedup_splitvals=true")
	b.WriteString(" " + c.printValues())
	if !c.Time && c.Row != "" {
		b.WriteString(" OVER " + syntax.PrintField(c.Row))
	}
	if c.Col != "" {
		b.WriteString(" BY " + syntax.PrintField(c.Col) + c.ColBins.PrintBins())
	}
	if c.Keep != nil {
		b.WriteString(c.Keep.print())
	}
	return b.String()
}

// Needs implements syntax.Command.
func (c *Chart) Needs(filter.FieldSet) filter.FieldSet {
	need := filter.FieldSet{}
	for _, name := range []string{c.Row, c.Col} {
		if name != "" {
			need = need.Add(name)
		}
	}
	for _, a := range c.Aggs {
		need = need.Add(a.Fields()...)
	}
	return need
}

// Ordered implements exec.Transforming.
func (c *Chart) Ordered() bool {
	return slices.ContainsFunc(c.Aggs, func(a *op.Aggregation) bool { return a.Def.Ordered })
}

// DropsWithout returns the fields without which chart drops a row. _time is never
// missing.
func (c *Chart) DropsWithout() (fields []string) {
	if c.Row != "" && c.Row != "_time" {
		fields = append(fields, c.Row)
	}
	if c.Col != "" && !c.UseNull {
		fields = append(fields, c.Col)
	}
	return fields
}
