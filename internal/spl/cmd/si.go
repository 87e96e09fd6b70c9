package cmd

import (
	"context"
	"slices"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// SummaryRows is sistats and the other si commands. It returns the rows that a
// command would aggregate, reduced to the fields it reads, for later
// aggregation.
type SummaryRows struct {
	Of     syntax.Command // Stats, Chart or Top
	fields Table
	has    []string // fields that a row must have
}

func init() {
	for _, d := range []struct {
		name, syntax, example, then string
		want                        []string
		parse                       func(p *syntax.Parser) (syntax.Command, error)
	}{
		{"stats", "<arguments of stats>", "sum(n) by u", "stats sum(n) by u", []string{`{"u":"a","sum(n)":"4"}`, `{"u":"b","sum(n)":"5"}`},
			func(p *syntax.Parser) (syntax.Command, error) { return parseStats(p) }},
		{"chart", "<arguments of chart>", "max(n) over u", "chart max(n) over u", []string{`{"u":"a","max(n)":"3"}`, `{"u":"b","max(n)":"5"}`},
			func(p *syntax.Parser) (syntax.Command, error) { return parseChart(p, &Chart{}) }},
		{"timechart", "<arguments of timechart>", "span=1d count by u", "timechart span=1d count by u | fields a b | fields - _time", []string{`{"a":"2","b":"1"}`},
			func(p *syntax.Parser) (syntax.Command, error) { return parseChart(p, &Chart{Time: true, Row: "_time"}) }},
		{"top", "<arguments of top>", "u", "top limit=1 showperc=f u", []string{`{"u":"a","count":"2"}`},
			func(p *syntax.Parser) (syntax.Command, error) { return parseTop(p, false) }},
		{"rare", "<arguments of rare>", "u", "rare limit=1 showperc=f u", []string{`{"u":"b","count":"1"}`},
			func(p *syntax.Parser) (syntax.Command, error) { return parseTop(p, true) }},
	} {
		syntax.RegisterCommand(&syntax.CommandDef{
			Name: "si" + d.name, Kind: syntax.KindStreaming,
			Summary: "Prepare rows for a later " + d.name + ", as for a summary index.",
			Syntax:  "si" + d.name + " " + d.syntax,
			Doc: "Returns the rows that " + d.name + " with these arguments would aggregate, with `_time` and the fields it reads. After it, or in a\n" +
				"search of the index that collect wrote them to, " + d.name + " with the same arguments returns the same result as running it directly.",
			Args: []syntax.Arg{{Name: d.syntax, Doc: "What " + d.name + " will compute later."}},
			Examples: []syntax.Example{{
				Events: []string{`{"_time":1700000000,"u":"a","n":"1"}`, `{"_time":1700000001,"u":"b","n":"5"}`, `{"_time":1700000002,"u":"a","n":"3"}`},
				Search: "* | si" + d.name + " " + d.example + " | " + d.then,
				Want:   d.want,
			}},
			Parse: func(p *syntax.Parser) (syntax.Command, error) {
				c, err := d.parse(p)
				if err != nil {
					return nil, err
				}
				return summaryRows(c), nil
			},
		})
	}
}

func summaryRows(c syntax.Command) *SummaryRows {
	s := &SummaryRows{Of: c}
	names := []string{"_time"}
	switch c := c.(type) {
	case *Stats:
		s.has = c.By
	case *Chart:
		if c.Row != "" {
			s.has = []string{c.Row}
		}
	case *Top:
		s.has = slices.Concat(c.By, c.Fields)
	}
	names = append(names, s.has...)
	for _, name := range c.Needs(filter.FieldSet{}).Names() {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	s.fields.Names = names
	return s
}

// Print implements syntax.Command.
func (c *SummaryRows) Print() string { return "si" + c.Of.Print() }

// Needs implements syntax.Command.
func (c *SummaryRows) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields(c.fields.Names...) }

// Tabulates says that the rows are no events any more.
func (c *SummaryRows) Tabulates() bool { return true }

// NewMapper implements exec.Streaming.
func (c *SummaryRows) NewMapper(*exec.Env) (exec.Mapper, error) { return c, nil }

// Columns implements exec.Tabular.
func (c *SummaryRows) Columns() []string { return c.fields.Columns() }

// Map implements exec.Mapper.
func (c *SummaryRows) Map(ctx context.Context, b *vector.Batch) (*vector.Batch, error) {
	var rows []int32
	pulse := exec.NewPulse(ctx)
	for i := range b.Len {
		pulse.Work(16 * len(c.has))
		if !slices.ContainsFunc(c.has, func(name string) bool { return b.At(name, i).IsNull() }) {
			rows = append(rows, int32(i))
		}
	}
	if len(rows) < b.Len {
		b = b.Pick(rows)
	}
	return c.fields.Map(ctx, b)
}
