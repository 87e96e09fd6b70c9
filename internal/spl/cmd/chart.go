package cmd

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// Chart computes aggregates over the values of one field, and makes columns of
// the values of a second one. Timechart is a Chart over _time.
type Chart struct {
	Time       bool
	Aggs       []*Aggregation // that are gathered
	Values     []chartValue   // that are shown
	Row, Col   string         // Col "" = no second field
	Span       *Span
	MinSpan    *Span
	Align      string  // aligntime, "" = even times
	Bins       int     // 0 = not said
	Start, End float64 // NaN = from the values
	Limit      int     // 0 = all
	Bottom     bool
	Keep       *seriesTest // WHERE
	UseOther   bool
	UseNull    bool
	Other      string
	Null       string
	Sep        string
	Format     string // with $AGG$ and $VAL$; "" = as Sep says
	Score      string // agg: what columns are ranked by
	Continuous bool
	FixedRange bool
	Partial    bool
}

// seriesTest is the WHERE of a chart: which columns are kept.
type seriesTest struct {
	Agg    string // the aggregate of a column's cells
	Op     string // in, notin, < or >
	N      float64
	Bottom bool
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "chart", Aliases: []string{"sichart"}, Kind: spl.KindTransforming,
		Summary: "Aggregates as a table with rows of one field and columns of another.",
		Syntax:  "chart [<options>] <aggregate> | eval(<expression over aggregates>) … [OVER <field> [BY <field>] | BY <field> [<field>]] [WHERE <agg> in topN | <agg> > <n>]",
		Doc: "Rows are in the order of their field. Columns are in alphabetical order, then OTHER (what is beyond `limit`, the ten\n" +
			"with the greatest sums) and NULL (events without the second field). A count where there is nothing is 0, other\n" +
			"aggregates are missing. With several aggregates a column is called `aggregate: value`.",
		Args: append([]spl.Arg{
			{Name: "span", Doc: "The width of buckets for a numeric row field: 10, log2."},
			{Name: "bins, minspan, start, end", Doc: "Let a width be chosen: how many buckets at the most, how narrow they may be, what range to cut."},
		}, chartArgs...),
		Examples: []spl.Example{{
			Search: "| makeresults format=csv data=\"a,b\nx,1\nx,2\ny,1\" | chart count over a by b",
			Want:   []string{`{"a":"x","1":"1","2":"1"}`, `{"a":"y","1":"1","2":"0"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) { return parseChart(p, &Chart{}) },
	})
	spl.RegisterCommand(&spl.CommandDef{
		Name: "timechart", Aliases: []string{"sitimechart"}, Kind: spl.KindTransforming,
		Summary: "Aggregates over time, with a column for each value of a field.",
		Syntax:  "timechart [span=<span>] [<options>] <aggregate> | eval(<expression over aggregates>) … [BY <field> [WHERE <agg> in topN | <agg> > <n>]]",
		Doc: "Like chart over `_time`. Without a span one is chosen from the range of the search, or of the events when that is open,\n" +
			"so that there are at most `bins` buckets. Buckets without events are filled in between the first and the last, and with\n" +
			"`fixedrange` over the whole range of the search.",
		Args: append([]spl.Arg{
			{Name: "span", Doc: "The width of the buckets: 30s, 5m, 1h, 1d, 1mon."},
			{Name: "bins, minspan", Default: "100", Doc: "Without a span: how many buckets at the most, and how narrow they may be."},
			{Name: "aligntime", Doc: "A time at which a bucket begins, or earliest or latest of the search; not for days and longer."},
			{Name: "partial", Default: "true", Doc: "Keep the first and the last bucket when the search covers only part of them."},
			{Name: "cont", Default: "true", Doc: "Fill in buckets without events."},
			{Name: "fixedrange", Default: "true", Doc: "Fill in up to the ends of the search's range."},
		}, chartArgs...),
		Examples: []spl.Example{{
			Events: []string{`{"_time":1700000000,"u":"a"}`, `{"_time":1700003600,"u":"b"}`, `{"_time":1700003601,"u":"b"}`},
			Search: `* | timechart span=1h count by u | eval t=strftime(_time,"%H:%M") | table t a b`,
			Want:   []string{`{"t":"22:00","a":"1","b":"0"}`, `{"t":"23:00","a":"0","b":"2"}`},
		}},
		Parse: func(p *spl.Parser) (spl.Command, error) {
			return parseChart(p, &Chart{Time: true, Row: "_time"})
		},
	})
}

var chartArgs = []spl.Arg{
	{Name: "limit", Default: "top10", Doc: "How many columns: topN, bottomN, N; 0 is all."},
	{Name: "useother, otherstr", Default: "true, OTHER", Doc: "A column for all others."},
	{Name: "usenull, nullstr", Default: "true, NULL", Doc: "A column for events without the field."},
	{Name: "sep", Default: ": ", Doc: "What stands between aggregate and value in names of columns."},
	{Name: "format", Doc: "Names of columns with several aggregates, such as `$VAL$/$AGG$`; goes before sep."},
	{Name: "agg", Default: "sum", Doc: "The aggregate of a column's cells that `limit` ranks by, such as max."},
}

var chartOptions = []string{"span", "bins", "limit", "useother", "otherstr", "usenull", "nullstr", "sep", "cont", "fixedrange", "agg", "format", "partial", "aligntime", "minspan", "start", "end"}

func parseChart(p *spl.Parser, c *Chart) (spl.Command, error) {
	c.Limit, c.UseOther, c.UseNull, c.Other, c.Null, c.Sep, c.Score = 10, true, true, "OTHER", "NULL", ": ", "sum"
	c.Continuous, c.FixedRange, c.Partial, c.Start, c.End = true, true, true, nan, nan
	var err error
	for !p.AtEnd() {
		if err := p.Options(chartOptions, c.option); err != nil {
			return nil, err
		}
		switch {
		case p.AtEnd():
		case p.AcceptWord("over"):
			if c.Time {
				return nil, diag.At(p.Peek().Span, "timechart is always over _time")
			}
			if c.Row, err = p.Field(); err != nil {
				return nil, err
			}
		case p.AcceptWord("by"):
			names, err := p.Fields("where")
			if err != nil {
				return nil, err
			}
			if c.Row == "" {
				c.Row, names = names[0], names[1:]
			}
			if len(names) > 1 {
				return nil, diag.At(p.Peek().Span, "a chart has at most two fields, one for rows and one for columns")
			}
			if len(names) == 1 {
				c.Col = names[0]
			}
		case p.AcceptWord("where"):
			if c.Keep, err = parseSeriesTest(p); err != nil {
				return nil, err
			}
		default:
			if err := c.parseValues(p); err != nil {
				return nil, err
			}
		}
	}
	if len(c.Aggs) == 0 || c.Row == "" {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "an aggregate and OVER or BY")
	}
	return c, nil
}

func (c *Chart) option(o spl.Option) (err error) {
	switch o.Name {
	case "span":
		c.Span, err = parseSpan(o)
	case "bins":
		c.Bins, err = o.Int(1)
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
	case "aligntime":
		c.Align, err = alignTime(o)
	case "minspan":
		c.MinSpan, err = parseSpan(o)
	case "start":
		c.Start, err = number(o)
	case "end":
		c.End, err = number(o)
	}
	return err
}

// scoreName reads the name of an aggregate over the cells of a column.
func scoreName(tok spl.Token) (string, error) {
	def, _ := spl.LookupAggregate(tok.Text)
	if def == nil || def.NeedTime {
		return "", diag.At(tok.Span, "%q is no aggregate to rank columns by", tok.Text).WithHint("one of sum, avg, max, min, count, and the like")
	}
	return strings.ToLower(tok.Text), nil
}

func parseSeriesTest(p *spl.Parser) (*seriesTest, error) {
	tok, err := p.Take()
	if err != nil {
		return nil, err
	}
	t := &seriesTest{Op: "in"}
	if t.Agg, err = scoreName(tok); err != nil {
		return nil, err
	}
	op, err := p.Take()
	if err != nil {
		return nil, err
	}
	switch {
	case op.IsWord("in"), op.IsWord("notin"):
		t.Op = strings.ToLower(op.Text)
		rank, err := p.Take()
		if err != nil {
			return nil, err
		}
		text := strings.ToLower(rank.Text)
		t.Bottom = strings.HasPrefix(text, "bottom")
		n, nerr := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(text, "top"), "bottom"))
		if nerr != nil {
			return nil, p.Unexpected(rank, "topN or bottomN")
		}
		t.N = float64(n)
	case op.Is(">"), op.Is("<"):
		num, err := p.Take()
		if err != nil {
			return nil, err
		}
		var ok bool
		if t.N, ok = vector.ParseNumber(num.Text); !ok {
			return nil, p.Unexpected(num, "a number")
		}
		t.Op = op.Text
	default:
		return nil, p.Unexpected(op, "in, notin, < or >")
	}
	return t, nil
}

// Print implements spl.Command.
func (c *Chart) Print() string {
	var b strings.Builder
	b.WriteString("chart")
	if c.Time {
		b.Reset()
		b.WriteString("timechart")
	}
	opt := func(set bool, text string) {
		if set {
			b.WriteString(" " + text)
		}
	}
	if c.Span != nil {
		opt(true, "span="+c.Span.Text)
	}
	if c.MinSpan != nil {
		opt(true, "minspan="+c.MinSpan.Text)
	}
	opt(c.Align != "", "aligntime="+spl.PrintOption(c.Align))
	opt(c.Bins != 0, "bins="+strconv.Itoa(c.Bins))
	opt(!math.IsNaN(c.Start), "start="+vector.FormatNumber(c.Start))
	opt(!math.IsNaN(c.End), "end="+vector.FormatNumber(c.End))
	rank := "top"
	if c.Bottom {
		rank = "bottom"
	}
	opt(c.Limit != 10 || c.Bottom, "limit="+rank+strconv.Itoa(c.Limit))
	opt(!c.UseOther, "useother=false")
	opt(!c.UseNull, "usenull=false")
	opt(c.Other != "OTHER", "otherstr="+spl.PrintOption(c.Other))
	opt(c.Null != "NULL", "nullstr="+spl.PrintOption(c.Null))
	opt(c.Sep != ": ", "sep="+spl.PrintOption(c.Sep))
	opt(c.Format != "", "format="+spl.PrintOption(c.Format))
	opt(c.Score != "sum", "agg="+spl.PrintOption(c.Score))
	opt(!c.Partial, "partial=false")
	opt(!c.Continuous, "cont=false")
	opt(!c.FixedRange, "fixedrange=false")
	b.WriteString(" " + c.printValues())
	if !c.Time {
		b.WriteString(" OVER " + spl.PrintField(c.Row))
	}
	if c.Col != "" {
		b.WriteString(" BY " + spl.PrintField(c.Col))
	}
	if t := c.Keep; t != nil {
		b.WriteString(" WHERE " + t.Agg + " " + t.Op + " ")
		if t.Op == "in" || t.Op == "notin" {
			rank := "top"
			if t.Bottom {
				rank = "bottom"
			}
			b.WriteString(rank)
		}
		b.WriteString(vector.FormatNumber(t.N))
	}
	return b.String()
}

// Needs implements spl.Command.
func (c *Chart) Needs(spl.FieldSet) spl.FieldSet {
	need := spl.Fields(c.Row)
	if c.Col != "" {
		need = need.Add(c.Col)
	}
	for _, a := range c.Aggs {
		need = need.Add(a.fields()...)
	}
	return need
}

// Ordered implements spl.Transforming.
func (c *Chart) Ordered() bool {
	return slices.ContainsFunc(c.Aggs, func(a *Aggregation) bool { return a.Def.Ordered })
}
