package cmd

import (
	"context"
	"errors"
	"io"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/lookup"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Inputlookup returns the rows of a lookup table.
type Inputlookup struct {
	Table  string
	Append bool
	Strict bool
	Start  int
	Max    int
	Where  filter.Expr // nil: all rows
}

const inputlookupMax = 1000000000

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "inputlookup", Kind: syntax.KindGenerating,
		Summary: "Return the rows of a lookup table.",
		Syntax:  "inputlookup [append=<bool>] [strict=<bool>] [start=<n>] [max=<n>] <table> [where <search-expression>]",
		Doc:     "Rows come in the order of the table. An empty cell is a missing value.",
		Args: []syntax.Arg{
			{Name: "<table>", Doc: "The name of a transforms.conf definition or of a .csv file in lookups/."},
			{Name: "append", Default: "false", Doc: "Append the rows to the current ones; the command may then appear anywhere."},
			{Name: "strict", Default: "false", Doc: "Fail when the table cannot be read; otherwise return no rows, with a warning."},
			{Name: "start", Default: "0", Doc: "The first row to return, counted from 0."},
			{Name: "max", Default: "1000000000", Doc: "Maximum number of rows."},
			{Name: "where", Doc: "Return only rows that match."},
		},
		Examples: []syntax.Example{{
			Lookup: "user,team\nalice,blue\nbob,red\n",
			Search: `| inputlookup example.csv where team=r*`,
			Want:   []string{`{"user":"bob","team":"red"}`},
		}},
		Parse: parseInputlookup,
	})
}

func parseInputlookup(p *syntax.Parser) (syntax.Command, error) { return parseInput(p) }

// parseInput reads the arguments. taken lists options that are accepted and
// ignored.
func parseInput(p *syntax.Parser, taken ...string) (syntax.Command, error) {
	c := &Inputlookup{Max: inputlookupMax}
	options := func() error {
		return p.Options(append([]string{"append", "strict", "start", "max"}, taken...), func(o syntax.Option) (err error) {
			switch o.Name {
			default:
				_, err = o.Bool()
			case "append":
				c.Append, err = o.Bool()
			case "strict":
				c.Strict, err = o.Bool()
			case "start":
				c.Start, err = o.Int(0)
			case "max":
				c.Max, err = o.Int(0)
			}
			return err
		})
	}
	if err := options(); err != nil {
		return nil, err
	}
	var err error
	if c.Table, err = tableName(p); err != nil {
		return nil, err
	}
	if err := options(); err != nil {
		return nil, err
	}
	if p.AcceptWord("where") {
		if p.AtEnd() {
			return nil, diag.At(p.Peek().Span, "where needs a search expression")
		}
		c.Where, err = p.SearchExpr()
	}
	return c, err
}

// Print implements syntax.Command.
func (c *Inputlookup) Print() string {
	s := "inputlookup "
	if c.Append {
		s += "append=true "
	}
	if c.Strict {
		s += "strict=true "
	}
	if c.Start > 0 {
		s += "start=" + strconv.Itoa(c.Start) + " "
	}
	if c.Max != inputlookupMax {
		s += "max=" + strconv.Itoa(c.Max) + " "
	}
	s += syntax.PrintField(c.Table)
	if c.Where != nil {
		s += " where " + filter.Print(c.Where)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Inputlookup) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Subsearches implements syntax.Resolving.
func (c *Inputlookup) Subsearches() []*syntax.Query {
	if c.Where == nil {
		return nil
	}
	return syntax.SearchQueries(c.Where)
}

// Resolve implements syntax.Resolving.
func (c *Inputlookup) Resolve(text func(*syntax.Query) (string, error)) (syntax.Command, error) {
	d := *c
	var err error
	d.Where, err = syntax.ResolveSearch(c.Where, text)
	return &d, err
}

// Open implements exec.Serial, for append=true. The table is read after the
// preceding rows, since an earlier command may write it.
func (c *Inputlookup) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if !c.Append {
		return nil, errors.New("inputlookup must be the first command of a search, unless it has append=true")
	}
	rows := &op.Pending{Open: func(ctx context.Context) (exec.Operator, error) { return c.Generate(ctx, env) }}
	return &op.Chain{Parts: []exec.Operator{in, rows}}, nil
}

// Generate implements exec.Generating.
func (c *Inputlookup) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	t, err := c.open(env)
	if err != nil {
		if c.Strict {
			return nil, err
		}
		env.Warn("%v", err)
		return exec.Rows(), nil
	}
	for _, note := range t.Notes {
		env.Warn("%s", note)
	}
	in := &tableRows{table: t, at: min(c.Start, len(t.Rows)), header: true}
	if c.Where == nil {
		in.left = c.Max
		return in, nil
	}
	m, err := filter.NewMatcher(c.Where, env.Now.In(env.Zone))
	in.left = len(t.Rows)
	return &op.First{In: exec.Mapped(in, selector{m}), Left: c.Max}, err
}

func (c *Inputlookup) open(env *exec.Env) (*lookup.Table, error) {
	return env.Table(c.Table)
}

// tableRows emits the rows of a table. An empty table still yields its columns.
type tableRows struct {
	table    *lookup.Table
	at, left int
	header   bool
}

func (r *tableRows) Next(ctx context.Context) (*vector.Batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	n := min(r.left, vector.DefaultRows, len(r.table.Rows)-r.at)
	if n <= 0 && !r.header {
		return nil, io.EOF
	}
	r.header = false
	b := vector.NewBuilder(r.table.Columns...)
	for i := range n {
		b.Add()
		for col := range r.table.Columns {
			b.SetAt(col, r.table.Value(r.at+i, col))
		}
	}
	r.at += n
	r.left -= n
	return b.Batch(), nil
}

func (r *tableRows) Close() { r.left, r.header = 0, false }
