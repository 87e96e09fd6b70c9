package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
)

// Tstats computes aggregates of the events that match a search expression. It
// runs as search, bin, fillnull and stats.
type Tstats struct {
	Append bool
	Pre    bool // prestats=true: return rows for a later command to aggregate
	From   *dataset
	Fill   string // fillnull_value
	filled bool
	Aggs   []*op.Aggregation
	Where  filter.Expr // nil = all events
	By     []string
	Span   string // of _time

	prefixes prefixes // the arguments of PREFIX(…)
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "tstats", Kind: syntax.KindGenerating,
		Summary: "Compute aggregates of events by field.",
		Syntax:  "tstats [prestats=<bool>] [append=<bool>] [fillnull_value=<text>] <aggregate> [AS <name>] … [FROM datamodel=<model>[.<dataset>]] [WHERE <search-expression>] [BY <field-list> [span=<span>]]",
		Doc: "All fields can be used, as in stats, and events need no summaries. Events that lack a BY field are left out unless\n" +
			"fillnull_value gives a replacement. FROM reads the events of a data model's dataset; its fields are written\n" +
			"`Authentication.user`, and `nodename=` narrows the search to a child dataset. `| datamodel` lists them.",
		Args: []syntax.Arg{
			{Name: "<aggregate>", Doc: "As in stats: `count`, `dc(user)`, `values(src)` …"},
			{Name: "FROM", Default: "all events", Doc: "A data model and one of its datasets."},
			{Name: "WHERE", Default: "all events", Doc: "The events to include, as in search; also time modifiers."},
			{Name: "BY", Doc: "The fields to group by; `_time` takes `span=1h`. `PREFIX(user=)` is a field with the text that follows that prefix in words of the raw event, in lower case; aggregates accept it too."},
			{Name: "append", Default: "false", Doc: "Append the rows to the current ones; the command may then appear anywhere."},
			{Name: "fillnull_value", Doc: "The replacement for a missing BY field."},
			{Name: "prestats", Default: "false", Doc: "Return rows for a following stats, chart or timechart, which names the aggregates again."},
			{Name: "summariesonly, allow_old_summaries, chunk_size, local, include_reduced_buckets, use_summary_index_values, is_hll", Doc: "Accepted for compatibility; ignored, as there are no summaries."},
		},
		Examples: []syntax.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000001,"k":"b"}`, `{"_time":1700000002,"k":"b"}`},
			Search: `| tstats count where index=aws by k`,
			Want:   []string{`{"k":"a","count":"1"}`, `{"k":"b","count":"2"}`},
		}, {
			Doc:    "Failed sign-ins according to the Authentication data model.",
			Events: []string{`{"_time":1700000000,"tag":"authentication","action":"failure","user":"alice"}`, `{"_time":1700000001,"tag":"authentication","action":"failure"}`, `{"_time":1700000002,"tag":"authentication","action":"success","user":"bob"}`},
			Search: `| tstats count from datamodel=Authentication where Authentication.action=failure by Authentication.user`,
			Want:   []string{`{"Authentication.user":"alice","count":"1"}`, `{"Authentication.user":"unknown","count":"1"}`},
		}},
		Parse: parseTstats,
	})
}

var tstatsOptions = []string{"append", "fillnull_value", "summariesonly", "allow_old_summaries", "chunk_size", "prestats", "span", "local", "include_reduced_buckets", "use_summary_index_values", "is_hll"}

func parseTstats(p *syntax.Parser) (syntax.Command, error) {
	c := &Tstats{}
	for !p.AtEnd() {
		if err := p.Options(tstatsOptions, c.option); err != nil {
			return nil, err
		}
		var err error
		switch tok := p.Peek(); {
		case p.AtEnd():
		case c.From == nil && p.AcceptWord("from"):
			c.From, err = parseFrom(p, tok)
		case c.Where == nil && p.AcceptWord("where"):
			c.Where, err = p.SearchExprUntil("by", "groupby")
		case p.AcceptWord("by"), p.AcceptWord("groupby"), len(c.By) > 0: // by _time span=1h host
			var names []string
			names, err = c.prefixes.fields(p, "where")
			c.By = append(c.By, names...)
		case len(c.Aggs) > 0:
			err = p.Unexpected(tok, "FROM, WHERE, BY or the end")
		default:
			c.Aggs, err = op.ParseAggregations(p, "from", "where", "by", "groupby")
		}
		if err != nil {
			return nil, err
		}
	}
	if len(c.Aggs) == 0 {
		tok, err := p.Take()
		if err != nil {
			return nil, err
		}
		return nil, p.Unexpected(tok, "an aggregate such as count or dc(field)")
	}
	for _, a := range c.Aggs {
		if a.Prefix {
			c.prefixes.add(a.Field)
		}
	}
	return c, op.CheckNames(c.Aggs, c.By)
}

func (c *Tstats) option(o syntax.Option) (err error) {
	switch o.Name {
	case "append":
		c.Append, err = o.Bool()
	case "fillnull_value":
		c.Fill, c.filled = o.Value.Text, true
	case "prestats":
		c.Pre, err = o.Bool()
	case "span":
		c.Span = o.Value.Text
	}
	return err
}

// parseFrom reads datamodel=Model.Dataset after FROM.
func parseFrom(p *syntax.Parser, from syntax.Token) (*dataset, error) {
	o, ok, err := p.Option()
	if err != nil {
		return nil, err
	}
	if !ok || o.Name != "datamodel" {
		return nil, diag.At(from.Span, "FROM needs a data model").WithHint("write FROM datamodel=Authentication.Failed_Authentication")
	}
	name, span := o.Value.Text, o.Value.Span
	if tok := p.Peek(); o.Value.Kind == syntax.Quoted && !tok.Spaced && strings.HasPrefix(tok.Text, ".") { // "Model"."Dataset"
		below, err := p.Field()
		if err == nil && below == "." {
			tok = p.Peek()
			below, err = p.Field()
			below = "." + below
		}
		if err != nil {
			return nil, err
		}
		name, span = name+below, span.Join(tok.Span)
	}
	return findDataset(name, span)
}

// pipeline returns the equivalent pipeline of simpler commands.
func (c *Tstats) pipeline() (string, error) {
	where, by, aggs := c.Where, c.By, c.Aggs
	first := "search"
	if c.From != nil {
		first += " " + c.From.model.Search(c.From.set)
		by = make([]string, len(c.By))
		for i, name := range c.By {
			by[i] = c.From.model.Plain(name)
		}
		aggs = c.From.aggregations(aggs)
		if where != nil {
			var err error
			if where, err = c.From.where(where); err != nil {
				return "", err
			}
		}
	}
	switch {
	case where != nil && c.From != nil:
		first += " (" + filter.Print(where) + ")"
	case where != nil:
		first += " " + filter.Print(where)
	case c.From == nil:
		first += " *"
	}
	parts := append([]string{first}, c.prefixes.pipeline()...)
	if c.Span != "" {
		parts = append(parts, "bin _time span="+syntax.PrintOption(c.Span))
	}
	if c.From != nil {
		read := slices.Clone(by)
		for _, a := range aggs {
			read = append(read, a.Fields()...)
		}
		if fill := c.From.fill(read); fill != "" {
			parts = append(parts, fill)
		}
	}
	if c.filled && len(by) > 0 {
		parts = append(parts, "fillnull value="+syntax.PrintOption(c.Fill)+" "+syntax.PrintFields(by))
	}
	if c.Pre {
		parts = append(parts, c.rows(by, aggs)...)
	} else {
		old, names := slices.Clone(by), slices.Clone(c.By)
		aggs = slices.Clone(aggs)
		for i, a := range aggs { // Authentication.user next to a column user
			if name := a.Name(); slices.Contains(by, name) {
				b := *a
				b.As = fmt.Sprintf("aggregate %d", i)
				aggs[i] = &b
				old, names = append(old, b.As), append(names, name)
			}
		}
		parts = append(parts, (&Stats{Aggs: aggs, By: by}).print("stats"))
		parts = append(parts, renames(old, names)...)
	}
	return strings.Join(parts, " | "), nil
}

// renames returns the rename command for fields whose names differ, or nil.
func renames(old, names []string) []string {
	var pairs []string
	for i := range old {
		if old[i] != names[i] {
			pairs = append(pairs, syntax.PrintField(old[i])+" AS "+syntax.PrintField(names[i]))
		}
	}
	if len(pairs) == 0 {
		return nil
	}
	return []string{"rename " + strings.Join(pairs, ", ")}
}

// rows returns the end of the pipeline for prestats: the events that have all
// fields of BY, under the field names that a later command expects.
func (c *Tstats) rows(by []string, aggs []*op.Aggregation) []string {
	var keep, as, have []string
	add := func(field, name string) {
		if !slices.Contains(as, name) {
			keep, as = append(keep, field), append(as, name)
		}
	}
	add("_time", "_time")
	for i, f := range by {
		add(f, c.By[i])
		have = append(have, "isnotnull("+syntax.PrintEvalField(f)+")")
	}
	for i, a := range aggs {
		switch {
		case a.Field == "":
		case len(aggs) == len(c.Aggs):
			add(a.Field, c.Aggs[i].Field)
		default:
			add(a.Field, a.Field)
		}
	}
	var parts []string
	if len(have) > 0 {
		parts = append(parts, "where "+strings.Join(have, " AND "))
	}
	copies := make([]string, len(keep)) // a field may have two names
	for i := range keep {
		if keep[i] != as[i] {
			copies[i] = syntax.PrintTarget(as[i]) + "=" + syntax.PrintEvalField(keep[i])
		}
	}
	if copies = slices.DeleteFunc(copies, func(s string) bool { return s == "" }); len(copies) > 0 {
		parts = append(parts, "eval "+strings.Join(copies, ", "))
	}
	return append(parts, "table "+syntax.PrintFields(as))
}

// Print implements syntax.Command.
func (c *Tstats) Print() string {
	s := "tstats "
	if c.Pre {
		s += "prestats=true "
	}
	if c.Append {
		s += "append=true "
	}
	if c.filled {
		s += "fillnull_value=" + syntax.PrintOption(c.Fill) + " "
	}
	s += op.PrintAggregations(c.Aggs)
	if c.From != nil {
		s += " FROM datamodel=" + syntax.PrintOption(c.From.name())
	}
	if c.Where != nil {
		s += " WHERE " + filter.Print(c.Where)
	}
	if len(c.By) > 0 {
		s += " BY " + c.prefixes.print(c.By)
	}
	if c.Span != "" {
		s += " span=" + syntax.PrintOption(c.Span)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Tstats) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Subsearches implements syntax.Resolving.
func (c *Tstats) Subsearches() []*syntax.Query {
	if c.Where == nil {
		return nil
	}
	return syntax.SearchQueries(c.Where)
}

// Resolve implements syntax.Resolving.
func (c *Tstats) Resolve(text func(*syntax.Query) (string, error)) (syntax.Command, error) {
	d := *c
	var err error
	d.Where, err = syntax.ResolveSearch(c.Where, text)
	return &d, err
}

// Reads returns the search that finds the events.
func (c *Tstats) Reads() (string, error) { return c.pipeline() }

// Generate implements exec.Generating.
func (c *Tstats) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	text, err := c.pipeline()
	if err != nil {
		return nil, err
	}
	if c.From != nil {
		c.From.warn(env)
	}
	return run(ctx, env, text)
}

// Open implements exec.Serial, for append=true.
func (c *Tstats) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if !c.Append {
		return nil, errors.New("tstats must be the first command of a search, unless it has append=true")
	}
	rows := &op.Pending{Open: func(ctx context.Context) (exec.Operator, error) { return c.Generate(ctx, env) }}
	return &op.Chain{Parts: []exec.Operator{in, rows}}, nil
}
