package cmd

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
)

// Searchtxn finds the transactions of a type in which some events match a
// search.
type Searchtxn struct {
	Type       string
	Terms      int
	Disjunct   bool
	EventsOnly bool
	Expr       filter.Expr
}

const searchtxnTerms = 1000

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "searchtxn", Kind: syntax.KindGenerating,
		Summary: "Find transactions of a type that match a search.",
		Syntax:  "searchtxn <transaction-type> [max_terms=<n>] [use_disjunct=<bool>] [eventsonly=<bool>] <search-expression>",
		Doc: "The type is a stanza of transactiontypes.conf in the knowledge folder. First, its `search` finds the events that match\n" +
			"and collects their values of its `fields`. Then `transaction name=<type>` groups all events of the type that have one\n" +
			"of these values, and only transactions that match are kept.",
		Args: []syntax.Arg{
			{Name: "max_terms", Default: "1000", Doc: "Maximum number of value combinations to find events for, from 1 to 1000."},
			{Name: "use_disjunct", Default: "true", Doc: "In the first step, find events that match any of the terms rather than all of them."},
			{Name: "eventsonly", Default: "false", Doc: "Return the events, not the transactions."},
			{Name: "<search-expression>", Doc: "The condition that transactions must match."},
		},
		Examples: []syntax.Example{{
			Doc:    "Sessions in which someone was denied access.",
			Txn:    "search = index=aws\nfields = key",
			Events: []string{`{"_time":1700000000,"key":"k1","call":"List","user":"ann"}`, `{"_time":1700000005,"key":"k1","result":"denied"}`, `{"_time":1700000006,"key":"k2","call":"Get"}`},
			Search: `| searchtxn example result=denied | table key call user duration`,
			Want:   []string{`{"key":"k1","call":"List","user":"ann","duration":"5"}`},
		}},
		Parse: parseSearchtxn,
	})
}

func parseSearchtxn(p *syntax.Parser) (syntax.Command, error) {
	c := &Searchtxn{Terms: searchtxnTerms, Disjunct: true}
	options := func() error {
		if tok := p.Peek(); !tok.IsWord("max_terms") && !tok.IsWord("use_disjunct") && !tok.IsWord("eventsonly") {
			return nil // any other name=value is part of the search expression
		}
		o, ok, err := p.Option()
		if err != nil || !ok {
			return err
		}
		switch o.Name {
		case "max_terms":
			if c.Terms, err = o.Int(1); err == nil && c.Terms > searchtxnTerms {
				err = diag.At(o.Value.Span, "max_terms must be from 1 to %d, not %d", searchtxnTerms, c.Terms)
			}
		case "use_disjunct":
			c.Disjunct, err = o.Bool()
		case "eventsonly":
			c.EventsOnly, err = o.Bool()
		}
		return err
	}
	if p.AtEnd() {
		return nil, p.Unexpected(p.Peek(), "the name of a transaction type")
	}
	var err error
	if c.Type, err = p.Field(); err != nil {
		return nil, err
	}
	for range 3 {
		if err := options(); err != nil {
			return nil, err
		}
	}
	if p.AtEnd() {
		return nil, diag.At(p.Peek().Span, "searchtxn needs a search expression after the transaction type")
	}
	c.Expr, err = p.SearchExpr()
	return c, err
}

// Print implements syntax.Command.
func (c *Searchtxn) Print() string {
	s := "searchtxn " + syntax.PrintField(c.Type)
	if c.Terms != searchtxnTerms {
		s += " max_terms=" + strconv.Itoa(c.Terms)
	}
	if !c.Disjunct {
		s += " use_disjunct=false"
	}
	if c.EventsOnly {
		s += " eventsonly=true"
	}
	return s + " " + filter.Print(c.Expr)
}

// Needs implements syntax.Command.
func (c *Searchtxn) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Subsearches implements syntax.Resolving.
func (c *Searchtxn) Subsearches() []*syntax.Query { return syntax.SearchQueries(c.Expr) }

// Resolve implements syntax.Resolving.
func (c *Searchtxn) Resolve(text func(*syntax.Query) (string, error)) (syntax.Command, error) {
	d := *c
	var err error
	d.Expr, err = syntax.ResolveSearch(c.Expr, text)
	return &d, err
}

// Generate implements exec.Generating.
func (c *Searchtxn) Generate(ctx context.Context, env *exec.Env) (exec.Operator, error) {
	settings, err := transactionType(env.Knowledge, c.Type)
	if err != nil {
		return nil, err
	}
	fields := typeFields(settings)
	if len(fields) == 0 {
		return nil, fmt.Errorf("the transaction type %q has no fields to group its events by", c.Type)
	}
	events := "search "
	if settings["search"] != "" {
		events += "(" + settings["search"] + ")"
	}
	first := c.Expr
	if and, ok := first.(*filter.And); ok && c.Disjunct {
		first = &filter.Or{Args: and.Args}
	}
	list := syntax.PrintFields(fields)
	text := fmt.Sprintf(`%s [%s (%s) | table %s | dedup keepempty=true %s | head %d | format "(" "(" "OR" ")" "OR" ")"]`,
		events, events, filter.Print(first), list, list, c.Terms)
	if !c.EventsOnly {
		text += " | transaction name=" + syntax.PrintOption(c.Type) + " | search " + filter.Print(c.Expr)
	}
	if text, err = syntax.ExpandMacros(text, env.Macros, expr.EvalConstant); err != nil {
		return nil, err
	}
	op, err := run(ctx, env, text)
	var d *diag.Error
	if errors.As(err, &d) {
		return nil, fmt.Errorf("cannot search for transactions of the type %q: %w", c.Type, err)
	}
	return op, err
}
