package cmd

import (
	"context"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Set takes the results of two searches as sets.
type Set struct {
	Op      string // union, diff, intersect
	options subOptions
	queries []*syntax.Query
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "set", Kind: syntax.KindGenerating,
		Summary: "Combine the results of two searches as sets: union, difference or intersection.",
		Syntax:  "set union|diff|intersect [maxout=<n>] [maxtime=<seconds>] [<subsearch>] [<subsearch>]",
		Doc:     "Rows are equal when all their fields are, ignoring internal fields. Each row is returned once. At most 50,000 rows of each search are used.",
		Args:    append([]syntax.Arg{{Name: "union|diff|intersect", Doc: "`diff` returns the rows that only one of the searches has."}}, subOptionArgs...),
		Examples: []syntax.Example{{
			Search: `| set diff [| makeresults format=csv data="a
1
2"] [| makeresults format=csv data="a
2
3"]`,
			Want: []string{`{"a":"1"}`, `{"a":"3"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Set{}
			if err := p.Options(subOptionNames, c.options.set); err != nil {
				return nil, err
			}
			tok, err := p.Take()
			if err != nil {
				return nil, err
			}
			c.Op = strings.ToLower(tok.Text)
			if c.Op != "union" && c.Op != "diff" && c.Op != "intersect" {
				return nil, p.Unexpected(tok, "union, diff or intersect")
			}
			if err = p.Options(subOptionNames, c.options.set); err != nil {
				return nil, err
			}
			if c.queries, err = subsearches(p, 2); err == nil && len(c.queries) != 2 {
				err = diag.At(tok.Span, "set takes two searches, not %d", len(c.queries))
			}
			return c, err
		},
	})
}

// Print implements syntax.Command.
func (c *Set) Print() string {
	return "set " + c.Op + " " + c.options.print() + printSubsearches(c.queries)
}

// Needs implements syntax.Command.
func (c *Set) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Queries implements syntax.WithQueries.
func (c *Set) Queries() []*syntax.Query { return c.queries }

// Generate implements exec.Generating.
func (c *Set) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	second := c.options.open(env, c.queries[1], "set")
	first := c.options.open(env, c.queries[0], "set")
	return op.Gathered(env, first, func(ctx context.Context, left []*vector.Batch) (exec.Operator, error) {
		held := env.Memory.Hold()
		right, err := op.ReadAll(ctx, held, second)
		defer held.Release()
		if err != nil {
			return nil, err
		}
		return exec.Rows(c.combine(left, right)), nil
	}), nil
}

func (c *Set) combine(left, right []*vector.Batch) *vector.Batch {
	inLeft, inRight := keysOf(left), keysOf(right)
	out := vector.NewBuilder(op.ColumnNames(append(left[:len(left):len(left)], right...))...)
	done := map[string]bool{}
	add := func(rows []*vector.Batch, wanted func(key string) bool) {
		eachRow(rows, func(b *vector.Batch, i int, key []byte) {
			if !done[string(key)] && wanted(string(key)) {
				done[string(key)] = true
				out.AddRow(b, i)
			}
		})
	}
	switch c.Op {
	case "union":
		all := func(string) bool { return true }
		add(left, all)
		add(right, all)
	case "diff":
		add(left, func(key string) bool { return !inRight[key] })
		add(right, func(key string) bool { return !inLeft[key] })
	default:
		add(left, func(key string) bool { return inRight[key] })
	}
	return out.Batch()
}

func keysOf(rows []*vector.Batch) map[string]bool {
	keys := map[string]bool{}
	eachRow(rows, func(_ *vector.Batch, _ int, key []byte) { keys[string(key)] = true })
	return keys
}

// eachRow calls fn with every row and its key without internal fields.
func eachRow(rows []*vector.Batch, fn func(b *vector.Batch, i int, key []byte)) {
	keys := vector.NewRowKeys()
	for _, b := range rows {
		keys.Use(b.Keep(func(name string) bool { return !op.Internal(name) }))
		for i := range b.Len {
			fn(b, i, keys.Key(i))
		}
	}
}
