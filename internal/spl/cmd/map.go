package cmd

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Map runs a search for each row.
type Map struct {
	Text        string
	Saved       string // name of the saved search with the text; "" for none
	MaxSearches int
	tmpl        template
}

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "map", Kind: syntax.KindSerial,
		Summary: "Run a search for each row, with values from the row.",
		Syntax:  `map search="<search>" [maxsearches=<n>] | map [<search>] [maxsearches=<n>] | map <saved search> [maxsearches=<n>]`,
		Doc: "`$field$` in the search is replaced by the row's value of the field, `$_serial_id$` by the number of the run, counted\n" +
			"from 1, and `$$` by a dollar sign. Each value is inserted as a single value, so quotes and pipes in it end nothing. A\n" +
			"row that lacks a field is skipped, with a warning. The result is the rows of all the searches.",
		Args: []syntax.Arg{
			{Name: "search", Doc: "The search; write inner quotes as `\\\"`."},
			{Name: "<saved search>", Doc: "The name of a saved search to run instead."},
			{Name: "maxsearches", Default: "10", Doc: "Maximum number of rows to use; more rows give a warning."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u
alice
bob" | map search="| makeresults | eval user=\"$u$\" | table user"`,
			Want: []string{`{"user":"alice"}`, `{"user":"bob"}`},
		}, {
			Saved: "| makeresults | eval user=\"$u$\", n=$_serial_id$ | table n user",
			Search: `| makeresults format=csv data="u
alice
bob" | map example`,
			Want: []string{`{"n":"1","user":"alice"}`, `{"n":"2","user":"bob"}`},
		}},
		Parse: parseMap,
	})
}

func parseMap(p *syntax.Parser) (syntax.Command, error) {
	c := &Map{MaxSearches: 10}
	var span diag.Span
	for !p.AtEnd() {
		if p.Peek().Is("[") {
			var err error
			if c.Text, span, err = p.Bracketed(); err != nil {
				return nil, err
			}
			continue
		}
		tok := p.Peek()
		err := p.Options([]string{"search", "maxsearches"}, func(o syntax.Option) (err error) {
			if o.Name == "search" {
				if c.Saved != "" || c.Text != "" {
					return diag.At(o.Span, "map takes one search")
				}
				c.Text, span = o.Value.Text, o.Value.Span
				return nil
			}
			c.MaxSearches, err = o.Int(1)
			return err
		})
		if err != nil {
			return nil, err
		}
		if p.Peek() == tok {
			if c.Saved != "" || c.Text != "" {
				return nil, p.Unexpected(tok, "one search")
			}
			if c.Saved, err = p.Field(); err != nil {
				return nil, p.Unexpected(tok, "search=\"…\", a search in [ ] or the name of a saved search")
			}
		}
	}
	if c.Saved != "" && c.Text == "" {
		return c, nil
	}
	if strings.TrimSpace(c.Text) == "" {
		return nil, diag.At(p.Peek().Span, "map needs a search").WithHint("map search=\"search user=$user$\"")
	}
	c.tmpl = parseTemplate(c.Text, mapToken)
	if _, err := c.parse(nil, func(string) (string, bool) { return "1", true }); err != nil && !strings.Contains(c.Text, "`") {
		return nil, inner(span, "in the search of map", err)
	}
	return c, nil
}

// serialToken is the placeholder for the number of the search.
const serialToken = "_serial_id"

// mapToken recognizes $field$, and $$ for a dollar sign.
func mapToken(s string) (string, int) {
	if s[0] != '$' {
		return "", 0
	}
	n := strings.IndexByte(s[1:], '$')
	if n < 0 || strings.ContainsAny(s[1:1+n], " \t\n\"'|=()") {
		return "", 0
	}
	if n == 0 {
		return "$", 2
	}
	return s[1 : 1+n], n + 2
}

// bareValue formats a value for a place outside quotes. It quotes the value
// unless it is plain.
func bareValue(s string) (string, bool) {
	if s == "$" || plainText(s, ".:-/@") {
		return s, true
	}
	return filter.Quote(s), true
}

func (c *Map) parse(m syntax.Macros, value func(string) (string, bool)) (*syntax.Query, error) {
	text := c.Text
	tmpl := c.tmpl
	if m != nil {
		// Expand macros before inserting values, so that values cannot add
		// macros.
		var err error
		if text, err = syntax.ExpandMacros(text, m, expr.EvalConstant); err != nil {
			return nil, err
		}
		tmpl = parseTemplate(text, mapToken)
	}
	text, err := tmpl.fill(func(token string) (string, bool) {
		if token == "$" {
			return "$", true
		}
		return value(token)
	}, bareValue)
	if err != nil {
		return nil, err
	}
	return syntax.Parse(text)
}

// Print implements syntax.Command.
func (c *Map) Print() string {
	s := "map search=" + filter.Quote(c.Text)
	if c.Saved != "" {
		s = "map " + syntax.PrintField(c.Saved)
	}
	if c.MaxSearches != 10 {
		s += " maxsearches=" + strconv.Itoa(c.MaxSearches)
	}
	return s
}

// Needs implements syntax.Command.
func (c *Map) Needs(filter.FieldSet) filter.FieldSet {
	if strings.Contains(c.Text, "`") || c.Saved != "" {
		return filter.AllFields() // a macro may contain placeholders too
	}
	return filter.Fields(c.tmpl.tokens()...).Without("$", serialToken)
}

// Tabulates says that the rows are no longer events.
func (c *Map) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Map) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	if c.Saved != "" {
		text, err := savedText(env, c.Saved)
		if err != nil {
			return nil, err
		}
		c = &Map{Text: text, MaxSearches: c.MaxSearches, tmpl: parseTemplate(text, mapToken)}
	}
	return &mapOp{c: c, env: env, in: in}, nil
}

type mapOp struct {
	c    *Map
	env  *exec.Env
	in   exec.Operator
	rows *vector.Batch
	at   int
	used int
	op   exec.Operator // the search of row at-1
}

func (m *mapOp) Close() {
	m.in.Close()
	if m.op != nil {
		m.op.Close()
	}
}

func (m *mapOp) Next(ctx context.Context) (*vector.Batch, error) {
	for {
		if m.op != nil {
			b, err := m.op.Next(ctx)
			if err != io.EOF {
				return b, err
			}
			m.op.Close()
			m.op = nil
		}
		if m.rows == nil || m.at == m.rows.Len {
			b, err := m.in.Next(ctx)
			if err != nil {
				return nil, err
			}
			m.rows, m.at = b, 0
			continue
		}
		if m.used == m.c.MaxSearches {
			m.env.Warn("map ran its search for the first %d row(s) only; raise maxsearches for more", m.c.MaxSearches)
			return nil, io.EOF
		}
		m.used++
		if err := m.start(ctx, m.at); err != nil {
			return nil, err
		}
		m.at++
	}
}

func (m *mapOp) start(ctx context.Context, row int) error {
	lacks := ""
	q, err := m.c.parse(m.env.Macros, func(field string) (string, bool) {
		if field == serialToken {
			return strconv.Itoa(m.used), true
		}
		v := m.rows.At(field, row)
		if v.IsNull() {
			lacks = field
		}
		return v.Text(), !v.IsNull()
	})
	switch {
	case lacks != "":
		m.used-- // no search ran for this row
		m.env.Warn("map skips rows that lack the field %s", lacks)
		return nil
	case err != nil:
		return fmt.Errorf("cannot run the search of map: %w", err)
	}
	m.op, err = m.env.Run(ctx, q)
	return err
}
