package cmd

import (
	"cmp"
	"context"
	"io"
	"slices"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spill"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Stats groups rows and computes aggregates of the groups.
type Stats struct {
	Aggs  []*op.Aggregation
	By    []string
	Split bool // dedup_splitvals
	// AllNum omits numeric aggregates of fields that also have other values.
	AllNum bool
	Span   *op.Span // of _time among By, nil = none
	Delim  string   // what joins the values of list and values in one text; "" = a newline
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "stats", Kind: syntax.KindTransforming,
		Summary: "Compute aggregates over all rows or by group.",
		Syntax:  "stats <aggregate> [AS <name>] … [BY <field-list> [span=<span>]] [allnum=<bool>] [delim=<text>] [dedup_splitvals=<bool>]",
		Doc: "Rows that lack a BY field are left out; a multivalue field puts the row into one group for each value. Without BY\n" +
			"there is one row, even for no input. The columns are the BY fields, then the aggregates as written. Rows are sorted by\n" +
			"the BY fields, numbers as numbers. An aggregate without a field, such as `avg`, applies to every field: `avg(*)`.",
		Args: []syntax.Arg{
			{Name: "<aggregate>", Doc: "`count`, `dc(field)`, `values(field)`, `count(eval(test))`, `avg(*delay)` …"},
			{Name: "BY <field-list>", Doc: "The fields to group by."},
			{Name: "span", Doc: "The width of the `_time` buckets, if BY has `_time`: `BY _time span=1h user`."},
			{Name: "dedup_splitvals", Default: "false", Doc: "Count a value that occurs twice in a row only once."},
			{Name: "allnum", Default: "false", Doc: "Return no result from sum, avg and other numeric aggregates for a group that has a value which is not a number."},
			{Name: "delim", Doc: "The separator for the values of list() and values() where they become one text, as with nomv."},
			{Name: "partitions", Doc: "Accepted for compatibility; ignored. Work is spread over the available processors."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,n
a,1
b,5
a,3" | stats count sum(n) as total by u`,
			Want: []string{`{"u":"a","count":"2","total":"4"}`, `{"u":"b","count":"1","total":"5"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) { return parseStats(p) },
	})
}

func parseStats(p *syntax.Parser) (*Stats, error) {
	c := &Stats{}
	options := func() error {
		return p.Options([]string{"allnum", "delim", "partitions", "dedup_splitvals", "span"}, func(o syntax.Option) (err error) {
			switch o.Name {
			case "dedup_splitvals":
				c.Split, err = o.Bool()
			case "allnum":
				c.AllNum, err = o.Bool()
			case "delim":
				c.Delim = o.Value.Text
			case "span":
				if !slices.Contains(c.By, "_time") {
					return diag.At(o.Value.Span, "span belongs after _time in BY").WithHint("write … BY _time span=1h")
				}
				if c.Span, err = op.ParseSpan(o); err == nil && c.Span.Unit == "" {
					err = diag.At(o.Value.Span, "%q is not a time span", o.Value.Text)
				}
			}
			return err
		})
	}
	if err := options(); err != nil {
		return nil, err
	}
	var err error
	if c.Aggs, err = op.ParseAggregations(p, "by"); err != nil {
		return nil, err
	}
	if p.AcceptWord("by") {
		if c.By, err = p.Fields("where"); err != nil {
			return nil, err
		}
		switch tok := p.Peek(); {
		case tok.IsWord("where"):
			return nil, diag.At(tok.Span, "BY does not accept a condition").WithHint("put | before where: it filters the rows of the result")
		case tok.Is("("):
			return nil, diag.At(tok.Span, "BY accepts only fields").WithHint("compute a field first, as in | eval key=lower(user) | stats count BY key")
		}
	}
	if err = options(); err == nil && c.Span != nil && !p.AtEnd() { // by _time span=1h user
		var more []string
		more, err = p.Fields()
		c.By = append(c.By, more...)
	}
	if err == nil {
		err = op.CheckNames(c.Aggs, c.By)
	}
	for _, a := range c.Aggs {
		a.AllNum = c.AllNum
	}
	return c, err
}

// Print implements syntax.Command.
func (c *Stats) Print() string { return c.print("stats") }

func (c *Stats) print(name string) string {
	s := name
	if c.AllNum {
		s += " allnum=true"
	}
	if c.Delim != "" {
		s += " delim=" + syntax.PrintOption(c.Delim)
	}
	s += " " + op.PrintAggregations(c.Aggs)
	if len(c.By) > 0 {
		s += " BY " + syntax.PrintFields(c.By)
	}
	if c.Span != nil {
		s += " span=" + c.Span.Text
	}
	if c.Split {
		s += " dedup_splitvals=true"
	}
	return s
}

// Needs implements syntax.Command.
func (c *Stats) Needs(filter.FieldSet) filter.FieldSet { return c.reads(filter.FieldSet{}) }

func (c *Stats) reads(out filter.FieldSet) filter.FieldSet {
	out = out.Add(c.By...)
	for _, a := range c.Aggs {
		out = out.Add(a.Fields()...)
	}
	return out
}

// Ordered implements exec.Transforming.
func (c *Stats) Ordered() bool {
	return slices.ContainsFunc(c.Aggs, func(a *op.Aggregation) bool { return a.Def.Ordered })
}

// grouper returns an empty grouper for the command.
func (c *Stats) grouper(env *exec.Env) (*op.Grouper, error) {
	return op.NewGrouper(env, c.Aggs, c.By, c.Split)
}

// NewReducer implements exec.Transforming.
func (c *Stats) NewReducer(env *exec.Env) (exec.Reducer, error) {
	g, err := c.grouper(env)
	return &stats{c: c, env: env, g: &op.Gatherer{Grouper: g}, bucket: op.Bucketer{Span: c.Span, Zone: env.Zone}}, err
}

type stats struct {
	c      *Stats
	env    *exec.Env
	g      *op.Gatherer
	bucket op.Bucketer // of the span
}

func (s *stats) Add(ctx context.Context, b *vector.Batch) error {
	if s.c.Span != nil {
		if times := b.Col("_time"); times != nil {
			b = b.With(s.bucket.Starts("_time", times, b.Len))
		}
	}
	return s.g.Add(ctx, b)
}

func (s *stats) Merge(ctx context.Context, o exec.Reducer) error {
	return s.g.Merge(ctx, o.(*stats).g)
}

// Close implements exec.Reducer.
func (s *stats) Close() { s.g.Close() }

func (s *stats) Results(ctx context.Context) (exec.Operator, error) {
	names := s.g.Columns(s.g.SlotOrder())
	if !s.g.Full {
		return exec.Emitted(func(ctx context.Context, emit func(*vector.Batch) error) error {
			return s.rows(ctx, s.g.Grouper, names, s.g.Finish, func(b *vector.Batch, made []*op.Group) error {
				clear(made)
				return emit(b)
			})
		}, s.g.Close), nil
	}
	defer s.g.Close()
	runs := spill.Runs[op.Ranked]{Space: s.env.Disk, Order: op.GroupOrder(s.c.By)}
	err := s.g.Groups(ctx, func(g *op.Grouper) error {
		err := s.env.OnDisk(runs.Add(ctx, func(f *spill.File) error {
			return s.rows(ctx, g, names, g.Results, func(b *vector.Batch, _ []*op.Group) error { return f.Write(b) })
		}))
		if !exec.EndsEarly(err) {
			return err
		}
		last, stopped := s.batches(ctx, g, names)
		runs.Hold(last.Next)
		return cmp.Or(stopped, err)
	})
	var merged *spill.Merged[op.Ranked]
	if err == nil || exec.EndsEarly(err) {
		merged, err = runs.Merge(ctx)
	}
	if err != nil {
		runs.Close()
		return nil, s.env.OnDisk(err)
	}
	return exec.Mapped(merged, namedColumns(names)), nil
}

// batches returns the rows of the groups of g in order.
func (s *stats) batches(ctx context.Context, g *op.Grouper, names []string) (out *batches, err error) {
	out = &batches{}
	err = s.rows(ctx, g, names, g.Results, func(b *vector.Batch, _ []*op.Group) error {
		*out = append(*out, b)
		return nil
	})
	return out, err
}

// batches hands out rows that are in memory.
type batches []*vector.Batch

func (l *batches) Next() (*vector.Batch, error) {
	if len(*l) == 0 {
		return nil, io.EOF
	}
	b := (*l)[0]
	*l = (*l)[1:]
	return b, nil
}

// rows passes on the rows of the groups of g in order, at least one batch, each with
// the groups it is made from. results is g.Results or g.Finish.
func (s *stats) rows(ctx context.Context, g *op.Grouper, names []string, results func(*op.Group, []int) []vector.Value, emit func(*vector.Batch, []*op.Group) error) error {
	shown := g.SlotOrder()
	groups, err := g.Sorted(ctx)
	if err != nil {
		return err
	}
	b, size, first := vector.NewBuilder(names...), 0, 0
	for n, grp := range groups {
		if err := ctx.Err(); err != nil {
			return err
		}
		b.Add()
		for i := range s.c.By {
			v := grp.Key(i)
			b.SetAt(i, v)
			size += v.Size()
		}
		for i, v := range results(grp, shown) {
			if s.c.Delim != "" {
				v = v.WithDelim(s.c.Delim)
			}
			b.Set(names[len(s.c.By)+i], v)
			size += v.Size()
		}
		if b.Len() == vector.DefaultRows || size > op.ResultBytes {
			if err := emit(b.Batch(), groups[first:n+1]); err != nil {
				return err
			}
			b, size, first = vector.NewBuilder(names...), 0, n+1
		}
	}
	return emit(b.Batch(), groups[first:])
}

// namedColumns adds the named columns to batches, even those that no row sets.
type namedColumns []string

func (names namedColumns) Map(_ context.Context, b *vector.Batch) (*vector.Batch, error) {
	out := &vector.Batch{Len: b.Len}
	known := make(map[string]bool, len(names))
	for _, name := range names {
		if known[name] { // an aggregate may be asked for twice
			continue
		}
		known[name] = true
		c := b.Col(name)
		if c == nil {
			c = vector.Constant(name, vector.Value{})
		}
		out.Cols = append(out.Cols, c)
	}
	return out, nil
}

// DropsWithout returns the fields without which stats drops a row.
func (c *Stats) DropsWithout() []string { return c.By }
