package cmd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
)

// Top counts combinations of values and keeps the most or least frequent ones.
type Top struct {
	Rare         bool
	Limit        int
	Fields, By   []string
	ShowCount    bool
	ShowPercent  bool
	CountField   string
	PercentField string
	UseOther     bool
	Other        string

	count []*op.Aggregation // shared by the workers, whose counts are merged
}

func init() {
	for _, d := range []struct {
		name, what string
		rare       bool
		want       []string
	}{
		{"top", "most", false, []string{`{"u":"a","count":"2","percent":"66.666667"}`, `{"u":"b","count":"1","percent":"33.333333"}`}},
		{"rare", "least", true, []string{`{"u":"b","count":"1","percent":"33.333333"}`, `{"u":"a","count":"2","percent":"66.666667"}`}},
	} {
		syntax.RegisterCommand(&syntax.CommandDef{
			Name: d.name, Kind: syntax.KindTransforming,
			Summary: "Find the " + d.what + " frequent values of fields.",
			Syntax:  d.name + " [<n>] [limit=<n>] [showcount=<bool>] [showperc=<bool>] [countfield=<name>] [percentfield=<name>] [useother=<bool>] [otherstr=<text>] <field-list> [BY <field-list>]",
			Doc: "The columns are the BY fields, the fields, `count` and `percent` (of the rows that have the fields). A multivalue\n" +
				"field counts once for each value. Among equally frequent values, the alphabetically later one comes first.",
			Args: []syntax.Arg{
				{Name: "<n>, limit", Default: "10", Doc: "Maximum number of values, for each BY group; 0 means all."},
				{Name: "showcount, showperc", Default: "true", Doc: "Whether to include these columns."},
				{Name: "countfield, percentfield", Default: "count, percent", Doc: "The names of these columns."},
				{Name: "useother", Default: "false", Doc: "Add a row for all other values."},
				{Name: "otherstr", Default: "OTHER", Doc: "The label of that row."},
			},
			Examples: []syntax.Example{{Search: "| makeresults format=csv data=\"u\na\nb\na\" | " + d.name + " u", Want: d.want}},
			Parse:    func(p *syntax.Parser) (syntax.Command, error) { return parseTop(p, d.rare) },
		})
	}
}

func parseTop(p *syntax.Parser, rare bool) (syntax.Command, error) {
	c := &Top{Rare: rare, Limit: 10, ShowCount: true, ShowPercent: true, CountField: "count", PercentField: "percent", Other: "OTHER"}
	def, _ := syntax.LookupAggregate("count")
	c.count = []*op.Aggregation{{Def: def, Call: "count"}}
	if tok := p.Peek(); tok.Kind == syntax.Word {
		if n, err := strconv.Atoi(tok.Text); err == nil && n >= 0 {
			c.Limit = n
			p.Take()
		}
	}
	names := []string{"limit", "showcount", "showperc", "countfield", "percentfield", "useother", "otherstr"}
	start := p.Peek().Span
	for !p.AtEnd() {
		err := p.Options(names, func(o syntax.Option) (err error) {
			switch o.Name {
			case "limit":
				c.Limit, err = o.Int(0)
			case "showcount":
				c.ShowCount, err = o.Bool()
			case "showperc":
				c.ShowPercent, err = o.Bool()
			case "countfield":
				c.CountField = o.Value.Text
			case "percentfield":
				c.PercentField = o.Value.Text
			case "useother":
				c.UseOther, err = o.Bool()
			default:
				c.Other = o.Value.Text
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.AcceptWord("by") {
			if c.By, err = p.Fields(); err != nil {
				return nil, err
			}
			continue
		}
		if p.AtEnd() {
			break
		}
		list, err := p.Fields("by")
		if err != nil {
			return nil, err
		}
		c.Fields = append(c.Fields, list...)
	}
	if len(c.Fields) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "a field name")
	}
	if last := c.Fields[len(c.Fields)-1]; len(c.Fields) > 1 && len(c.By) == 0 && strings.Trim(last, "0123456789") == "" {
		return nil, diag.At(diag.Span{Start: start.Start, End: p.Pos()}, "%s after the fields would be read as a field", last).WithHint("write top %s %s, or limit=%s", last, c.Fields[0], last)
	}
	for _, o := range []struct {
		option, name string
		shown        bool
	}{{"countfield", c.CountField, c.ShowCount}, {"percentfield", c.PercentField, c.ShowPercent}} {
		if o.shown && slices.Contains(slices.Concat(c.By, c.Fields), o.name) {
			return nil, diag.At(diag.Span{Start: start.Start, End: p.Pos()}, "a field and a column of the result are both called %q", o.name).WithHint("%s=<name> gives the column another name", o.option)
		}
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Top) Print() string {
	var b strings.Builder
	b.WriteString("top")
	if c.Rare {
		b.Reset()
		b.WriteString("rare")
	}
	fmt.Fprintf(&b, " limit=%d", c.Limit)
	if !c.ShowCount {
		b.WriteString(" showcount=false")
	}
	if !c.ShowPercent {
		b.WriteString(" showperc=false")
	}
	if c.CountField != "count" {
		b.WriteString(" countfield=" + syntax.PrintOption(c.CountField))
	}
	if c.PercentField != "percent" {
		b.WriteString(" percentfield=" + syntax.PrintOption(c.PercentField))
	}
	if c.UseOther {
		b.WriteString(" useother=true")
	}
	if c.Other != "OTHER" {
		b.WriteString(" otherstr=" + syntax.PrintOption(c.Other))
	}
	b.WriteString(" " + syntax.PrintFields(c.Fields))
	if len(c.By) > 0 {
		b.WriteString(" BY " + syntax.PrintFields(c.By))
	}
	return b.String()
}

// Needs implements syntax.Command.
func (c *Top) Needs(filter.FieldSet) filter.FieldSet { return filter.Fields(c.Fields...).Add(c.By...) }

// Ordered implements exec.Transforming.
func (c *Top) Ordered() bool { return false }

// DropsWithout returns the fields without which top and rare drop a row.
func (c *Top) DropsWithout() []string { return append(append([]string(nil), c.Fields...), c.By...) }
