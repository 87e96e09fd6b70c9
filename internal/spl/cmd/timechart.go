package cmd

import "bluetrail/internal/spl/syntax"

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "timechart", Kind: syntax.KindTransforming,
		Summary: "Aggregate over time, with a column for each value of a field.",
		Syntax:  "timechart [span=<span>] [<options>] <aggregate> | eval(<expression over aggregates>) … [BY <field> [WHERE <agg> in topN | <agg> > <n>]]",
		Doc: "Like chart over `_time`. Without a span, one is chosen from the time range of the search (or of the events if the\n" +
			"search is unbounded) that gives at most `bins` buckets. Empty buckets are added between the first and the last and,\n" +
			"with `fixedrange`, over the whole range of the search.",
		Args: append([]syntax.Arg{
			{Name: "span", Doc: "The width of the buckets: 30s, 5m, 1h, 1d, 1mon. A second span after BY, a number, divides that field into buckets."},
			{Name: "bins, minspan", Default: "100", Doc: "Without a span: maximum number of buckets, and their minimum width."},
			{Name: "aligntime", Doc: "A time at which a bucket starts, or earliest or latest of the search; not for spans of a day and longer."},
			{Name: "partial", Default: "true", Doc: "Keep the first and last bucket when the search covers only part of them."},
			{Name: "cont", Default: "true", Doc: "Add empty buckets."},
			{Name: "fixedrange", Default: "true", Doc: "Add empty buckets up to the ends of the search's time range."},
		}, chartArgs...),
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"u":"a"}`, `{"_time":1700003600,"u":"b"}`, `{"_time":1700003601,"u":"b"}`},
			Search: `* | timechart span=1h count by u | eval t=strftime(_time,"%H:%M") | table t a b`,
			Want:   []string{`{"t":"22:00","a":"1","b":"0"}`, `{"t":"23:00","a":"0","b":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			return parseChart(p, &Chart{Time: true, Row: "_time"})
		},
	})
}
