package cmd

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Top counts combinations of values and keeps the most frequent of them, or the
// least frequent.
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

	count []*op.Aggregation // shared by the workers, which merge what they count
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
		return nil, diag.At(diag.Span{Start: start.Start, End: p.Pos()}, "%s behind the fields would be one of them", last).WithHint("write top %s %s, or limit=%s", last, c.Fields[0], last)
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

// NewReducer implements exec.Transforming.
func (c *Top) NewReducer(env *exec.Env) (exec.Reducer, error) {
	g, err := op.NewGrouper(env, c.count, slices.Concat(c.By, c.Fields), false)
	return &top{c: c, g: g}, err
}

type top struct {
	c *Top
	g *op.Grouper
}

func (t *top) Add(_ context.Context, b *vector.Batch) error { return t.g.Add(b) }

// Merge implements exec.Reducer.
func (t *top) Merge(ctx context.Context, o exec.Reducer) error { return t.g.Merge(ctx, o.(*top).g) }

// Close implements exec.Reducer.
func (t *top) Close() { t.g.Release() }

func (t *top) Results(ctx context.Context) (exec.Operator, error) {
	defer t.g.Release()
	c := t.c
	groups, err := t.g.Sorted(ctx)
	if err != nil {
		return nil, err
	}
	counted := make([]frequency, len(groups))
	for i, g := range groups {
		counted[i].Group = g
		counted[i].n, _ = t.g.Aggregates(g)[0].Result().Num()
	}
	out := &topRows{c: c, names: slices.Concat(c.By, c.Fields)}
	pulse := exec.NewPulse(ctx)
	for len(counted) > 0 {
		n := 1
		for n < len(counted) && sameKeys(counted[0].Values()[:len(c.By)], counted[n].Values()[:len(c.By)]) {
			n++
		}
		part := counted[:n]
		counted = counted[n:]
		total := 0.0
		for _, f := range part {
			total += f.n
		}
		err := exec.SortFunc(ctx, part, func(x, y frequency) int {
			d := cmp.Compare(y.n, x.n)
			if c.Rare {
				d = -d
			}
			return cmp.Or(d, compareKeys(y.Values(), x.Values()))
		})
		if err != nil {
			return nil, err
		}
		rest := 0.0
		for i, f := range part {
			if err := pulse.Err(); err != nil {
				return nil, err
			}
			if c.Limit > 0 && i >= c.Limit {
				rest += f.n
				continue
			}
			out.add(f.Values(), f.n, total)
		}
		if rest > 0 && c.UseOther {
			keys := slices.Clone(part[0].Values())
			for i := len(c.By); i < len(keys); i++ {
				keys[i] = vector.String(c.Other)
			}
			out.add(keys, rest, total)
		}
	}
	return exec.Rows(out.end()...), nil
}

// frequency is a combination of values with the number of its rows.
type frequency struct {
	*op.Group
	n float64
}

// topRows makes the rows of the result.
type topRows struct {
	c       *Top
	names   []string
	b       *vector.Builder // nil = no row was begun
	batches []*vector.Batch
}

func (t *topRows) add(keys []vector.Value, n, total float64) {
	if t.b == nil {
		t.b = vector.NewBuilder(t.names...)
	}
	t.b.Add()
	for i, k := range keys {
		t.b.Set(t.names[i], k) // a name may be there twice
	}
	if t.c.ShowCount {
		t.b.Set(t.c.CountField, vector.Float(n))
	}
	if t.c.ShowPercent {
		p := 100 * n / total
		t.b.Set(t.c.PercentField, vector.Formatted(p, strconv.FormatFloat(p, 'f', 6, 64)))
	}
	if t.b.Len() == vector.DefaultRows {
		t.end()
	}
}

// end returns all rows, at least one batch.
func (t *topRows) end() []*vector.Batch {
	if t.b == nil && t.batches == nil {
		t.b = vector.NewBuilder(t.names...)
	}
	if t.b != nil {
		t.batches, t.b = append(t.batches, t.b.Batch()), nil
	}
	return t.batches
}

func sameKeys(a, b []vector.Value) bool { return compareKeys(a, b) == 0 }

func compareKeys(a, b []vector.Value) int {
	for i := range a {
		if c := vector.CompareValues(a[i], b[i]); c != 0 {
			return c
		}
	}
	return 0
}
