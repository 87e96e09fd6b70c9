package cmd

import (
	"context"
	"io"
	"math"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Union combines the rows of several searches.
type Union struct {
	options subOptions
	queries []*syntax.Query
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "union", Kind: syntax.KindGenerating,
		Summary: "Combine the rows of several searches.",
		Syntax:  "union [maxout=<n>] [maxtime=<seconds>] <subsearch> | datamodel:<name> | lookup:<name> | savedsearch:<name> …",
		Doc: "When every search returns events and processes each on its own, the events are merged by time, newest first; otherwise\n" +
			"the rows of each search follow those of the one before. In the middle of a search, the current rows come first.",
		Args: append([]syntax.Arg{{Name: "<subsearch>", Doc: "A search in brackets."}}, subOptionArgs...),
		Examples: []syntax.Example{{
			Search: `| union [| makeresults | eval a=1 | table a] [| makeresults | eval a=2 | table a]`,
			Want:   []string{`{"a":"1"}`, `{"a":"2"}`},
		}},
		Parse: func(p *syntax.Parser) (syntax.Command, error) {
			c := &Union{}
			err := p.Options(subOptionNames, c.options.set)
			if err == nil {
				c.queries, err = subsearches(p, 1)
			}
			return c, err
		},
	})
}

// subsearches reads least or more searches in brackets.
func subsearches(p *syntax.Parser, least int) ([]*syntax.Query, error) {
	start := p.Peek().Span
	var list []*syntax.Query
	for !p.AtEnd() {
		if p.Accept(",") {
			continue
		}
		if q, err := namedDataset(p); q != nil || err != nil {
			if err != nil {
				return nil, err
			}
			list = append(list, q)
			continue
		}
		q, err := p.Subsearch()
		if err != nil {
			return nil, err
		}
		list = append(list, q)
	}
	if len(list) < least {
		return nil, diag.At(start, "there must be at least %d searches in [ ]", least)
	}
	return list, nil
}

// namedDataset reads datamodel:X, lookup:X or savedsearch:X, which are short
// for a search with from. It returns nil for anything else.
func namedDataset(p *syntax.Parser) (*syntax.Query, error) {
	tok := p.Peek()
	kind, _, ok := strings.Cut(tok.Text, ":")
	if tok.Kind != syntax.Word || !ok || !slices.Contains(fromKinds, strings.ToLower(kind)) {
		return nil, nil
	}
	if _, err := p.Take(); err != nil {
		return nil, err
	}
	text := tok.Text
	if next := p.Peek(); strings.HasSuffix(text, ":") && next.Kind == syntax.Quoted && !next.Spaced {
		name, err := p.Take()
		if err != nil {
			return nil, err
		}
		text += name.Text
	}
	q, err := syntax.Parse("| from " + text)
	if err != nil {
		return nil, diag.At(tok.Span, "%q cannot be read: %s", text, err)
	}
	return q, nil
}

func printSubsearches(list []*syntax.Query) string {
	parts := make([]string, len(list))
	for i, q := range list {
		parts[i] = "[" + q.String() + "]"
	}
	return strings.Join(parts, " ")
}

// Print implements syntax.Command.
func (c *Union) Print() string {
	return "union " + c.options.print() + printSubsearches(c.queries)
}

// Needs implements syntax.Command.
func (c *Union) Needs(out filter.FieldSet) filter.FieldSet { return out }

// Queries implements syntax.WithQueries.
func (c *Union) Queries() []*syntax.Query { return c.queries }

// eventsOnly reports whether a search returns individual events and, if not,
// the command that prevents it.
func eventsOnly(q *syntax.Query) (bool, string) {
	for _, st := range q.Stages {
		t, table := st.Cmd.(interface{ Tabulates() bool })
		row, perhaps := st.Cmd.(interface{ RowWise() bool })
		if _, ok := st.Cmd.(exec.Streaming); !ok && !(perhaps && row.RowWise()) || table && t.Tabulates() {
			return false, st.Def.Name
		}
	}
	return true, ""
}

// Generate implements exec.Generating.
func (c *Union) Generate(_ context.Context, env *exec.Env) (exec.Operator, error) {
	parts := make([]exec.Operator, len(c.queries))
	inTime := true
	for i, q := range c.queries {
		parts[i] = c.options.open(env, q, "union")
		ok, _ := eventsOnly(q)
		inTime = inTime && ok
	}
	if inTime {
		return &merged{parts: parts}, nil
	}
	return &op.Chain{Parts: parts}, nil
}

// Open implements exec.Serial.
func (c *Union) Open(ctx context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	rows, err := c.Generate(ctx, env)
	if err != nil {
		return nil, err
	}
	return &op.Chain{Parts: []exec.Operator{in, rows}}, nil
}

// merged merges parts that are sorted newest first into one such order. At
// equal times, earlier parts come first.
type merged struct {
	parts []exec.Operator
	heads []*cursor // nil before the first call
}

type cursor struct {
	b    *vector.Batch
	time *vector.Column
	at   int
	done bool
}

func (h *cursor) when() float64 {
	if h.time != nil {
		if f, ok := h.time.At(h.at).Num(); ok {
			return f
		}
	}
	return math.Inf(-1)
}

// fill advances a head to its next row or marks it as done.
func (m *merged) fill(ctx context.Context, i int) error {
	h := m.heads[i]
	for !h.done && (h.b == nil || h.at == h.b.Len) {
		b, err := m.parts[i].Next(ctx)
		if err == io.EOF {
			h.done = true
			return nil
		}
		if err != nil {
			return err
		}
		h.b, h.time, h.at = b, b.Col("_time"), 0
	}
	return nil
}

func (m *merged) Next(ctx context.Context) (*vector.Batch, error) {
	if m.heads == nil {
		for range m.parts {
			m.heads = append(m.heads, &cursor{})
		}
	}
	out := vector.NewBuilder()
	for out.Len() < vector.DefaultRows {
		var best *cursor
		for i, h := range m.heads {
			if err := m.fill(ctx, i); err != nil {
				return nil, err
			}
			if !h.done && (best == nil || h.when() > best.when()) {
				best = h
			}
		}
		if best == nil {
			break
		}
		out.AddRow(best.b, best.at)
		best.at++
	}
	if out.Len() == 0 {
		return nil, io.EOF
	}
	return out.Batch(), nil
}

func (m *merged) Close() {
	for _, p := range m.parts {
		p.Close()
	}
}
