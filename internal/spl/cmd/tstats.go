package cmd

import (
	"context"
	"errors"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl"
)

// Tstats computes aggregates of the events that a search expression finds. It
// runs as search, bin, fillnull and stats.
type Tstats struct {
	Append bool
	Fill   string // fillnull_value
	filled bool
	Aggs   []*Aggregation
	Where  spl.Search // nil: all events
	By     []string
	Span   string // of _time
}

func init() {
	spl.RegisterCommand(&spl.CommandDef{
		Name: "tstats", Kind: spl.KindGenerating,
		Summary: "Compute aggregates of events by fields.",
		Syntax:  "tstats [append=<bool>] [fillnull_value=<text>] <aggregate> [AS <name>] … [WHERE <search-expression>] [BY <field-list> [span=<span>]]",
		Doc: "Every field can be used, as in stats, and events need no summaries. Events that lack a field of BY are left out, unless\n" +
			"fillnull_value says what stands for it. There are no data models: FROM gives an error.",
		Args: []spl.Arg{
			{Name: "<aggregate>", Doc: "As in stats: `count`, `dc(user)`, `values(src)` …"},
			{Name: "WHERE", Default: "all events", Doc: "Which events, as in search; also time modifiers."},
			{Name: "BY", Doc: "The fields that make groups; `_time` takes `span=1h`."},
			{Name: "append", Default: "false", Doc: "Put the rows behind those there are; the command may then stand anywhere."},
			{Name: "fillnull_value", Doc: "What a missing field of BY counts as."},
			{Name: "summariesonly, allow_old_summaries, chunk_size", Doc: "Taken for the sake of searches that have them: there are no summaries."},
		},
		Examples: []spl.Example{{
			Events: []string{`{"_time":1700000000,"k":"a"}`, `{"_time":1700000001,"k":"b"}`, `{"_time":1700000002,"k":"b"}`},
			Search: `| tstats count where index=aws by k`,
			Want:   []string{`{"k":"a","count":"1"}`, `{"k":"b","count":"2"}`},
		}},
		Parse: parseTstats,
	})
}

func parseTstats(p *spl.Parser) (spl.Command, error) {
	c := &Tstats{}
	options := func() error {
		return p.Options([]string{"append", "fillnull_value", "summariesonly", "allow_old_summaries", "chunk_size", "prestats", "span"}, func(o spl.Option) (err error) {
			switch o.Name {
			case "append":
				c.Append, err = o.Bool()
			case "fillnull_value":
				c.Fill, c.filled = o.Value.Text, true
			case "prestats":
				var on bool
				if on, err = o.Bool(); on {
					err = diag.At(o.Span, "prestats=true is not supported").WithHint("leave it out, and the command behind that reads its output")
				}
			case "span":
				c.Span = o.Value.Text
			}
			return err
		})
	}
	err := options()
	if err == nil {
		c.Aggs, err = parseAggregations(p, "from", "where", "by")
	}
	if err != nil {
		return nil, err
	}
	if tok := p.Peek(); p.AcceptWord("from") {
		return nil, diag.At(tok.Span, "there are no data models").WithHint("name the events in WHERE, such as where index=aws, and their fields")
	}
	if p.AcceptWord("where") {
		if c.Where, err = p.SearchExprUntil("by", "groupby"); err != nil {
			return nil, err
		}
	}
	if p.AcceptWord("by") || p.AcceptWord("groupby") {
		if c.By, err = p.Fields(); err != nil {
			return nil, err
		}
	}
	if err := options(); err != nil || p.AtEnd() {
		return c, err
	}
	more, err := p.Fields() // by _time span=1h host
	c.By = append(c.By, more...)
	return c, err
}

// pipeline is the command as the commands it consists of.
func (c *Tstats) pipeline() string {
	parts := []string{"search *"}
	if c.Where != nil {
		parts[0] = "search " + spl.PrintSearch(c.Where)
	}
	if c.Span != "" {
		parts = append(parts, "bin _time span="+spl.PrintOption(c.Span))
	}
	if c.filled && len(c.By) > 0 {
		parts = append(parts, "fillnull value="+spl.PrintOption(c.Fill)+" "+spl.PrintFields(c.By))
	}
	return strings.Join(append(parts, c.stats().print("stats")), " | ")
}

func (c *Tstats) stats() *Stats { return &Stats{Aggs: c.Aggs, By: c.By} }

// Print implements spl.Command.
func (c *Tstats) Print() string {
	s := "tstats "
	if c.Append {
		s += "append=true "
	}
	if c.filled {
		s += "fillnull_value=" + spl.PrintOption(c.Fill) + " "
	}
	s += printAggregations(c.Aggs)
	if c.Where != nil {
		s += " WHERE " + spl.PrintSearch(c.Where)
	}
	if len(c.By) > 0 {
		s += " BY " + spl.PrintFields(c.By)
	}
	if c.Span != "" {
		s += " span=" + spl.PrintOption(c.Span)
	}
	return s
}

// Needs implements spl.Command.
func (c *Tstats) Needs(out spl.FieldSet) spl.FieldSet { return out }

// Generate implements spl.Generating.
func (c *Tstats) Generate(ctx context.Context, env *spl.Env) (spl.Operator, error) {
	q, err := spl.Parse(c.pipeline())
	if err != nil {
		return nil, err
	}
	return env.Run(ctx, q)
}

// Open implements spl.Serial, for append=true.
func (c *Tstats) Open(_ context.Context, env *spl.Env, in spl.Operator) (spl.Operator, error) {
	if !c.Append {
		return nil, errors.New("tstats must be the first command of a search, unless it has append=true")
	}
	rows := &later{open: func(ctx context.Context) (spl.Operator, error) { return c.Generate(ctx, env) }}
	return &chain{parts: []spl.Operator{in, rows}}, nil
}
