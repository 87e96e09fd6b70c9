package cmd

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Set treats the results of two searches as sets.
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
	return op.Gathered(env, first, func(ctx context.Context, left []*vector.Batch) (out exec.Operator, err error) {
		s := &setOfRows{c: c, env: env, left: left, held: env.Memory.Hold(), known: map[rowSum]rowState{}}
		defer func() {
			if out == nil { // also where a search that is stopped panics
				s.held.Release()
			}
		}()
		if s.right, err = op.ReadAll(ctx, s.held, second); err != nil {
			return nil, err
		}
		if err := s.mark(); err != nil {
			return nil, err
		}
		return exec.Emitted(s.emit, s.held.Release), nil
	}), nil
}

// rowSum identifies the fields of a row. The hash is cryptographic because
// attackers control the content of rows.
type rowSum [sha256.Size]byte

// rowState records which sides contain a row.
type rowState uint8

const (
	rowLeft rowState = 1 << iota
	rowRight
	rowDone // already emitted
)

// setOfRows is the result of set.
type setOfRows struct {
	c           *Set
	env         *exec.Env
	left, right []*vector.Batch
	held        *exec.Held
	known       map[rowSum]rowState
}

// mark records which sides contain each row.
func (s *setOfRows) mark() error {
	for _, side := range []struct {
		rows  []*vector.Batch
		state rowState
	}{{s.left, rowLeft}, {s.right, rowRight}} {
		err := s.each(side.rows, func(_ *vector.Batch, _ int, sum rowSum) error {
			n := len(s.known)
			s.known[sum] |= side.state
			if len(s.known) == n {
				return nil
			}
			if err := s.held.Add(80); err != nil && !exec.EndsEarly(err) {
				return err
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether a row is in the result.
func (s *setOfRows) wanted(state rowState) bool {
	switch both := rowLeft | rowRight; s.c.Op {
	case "union":
		return true
	case "diff":
		return state&both != both
	default:
		return state&both == both
	}
}

func (s *setOfRows) emit(ctx context.Context, emit func(*vector.Batch) error) error {
	all := slices.Concat(s.left, s.right)
	out := op.NewEmitter(emit, op.ColumnNames(all))
	err := s.each(all, func(b *vector.Batch, i int, sum rowSum) error {
		state := s.known[sum]
		if state&rowDone != 0 || !s.wanted(state) {
			return nil
		}
		s.known[sum] = state | rowDone
		out.AddRow(b, i)
		return out.Row(ctx)
	})
	if err != nil {
		return err
	}
	return out.End()
}

// each calls fn with every row and the hash of its fields, without internal
// fields.
func (s *setOfRows) each(rows []*vector.Batch, fn func(b *vector.Batch, i int, sum rowSum) error) error {
	keys := vector.NewRowKeys()
	for _, b := range rows {
		keys.Use(b.Keep(func(name string) bool { return !op.Internal(name) }))
		for i := range b.Len {
			s.env.Poll()
			if err := fn(b, i, sha256.Sum256(keys.Key(i))); err != nil {
				return err
			}
		}
	}
	return nil
}
