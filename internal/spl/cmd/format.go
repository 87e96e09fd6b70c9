package cmd

import (
	"context"
	"strconv"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/op"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Format writes all rows as one search expression.
type Format struct{ Options syntax.FormatOptions }

func init() {
	syntax.RegisterCommand(&syntax.CommandDef{
		Name: "format", Kind: syntax.KindSerial,
		Summary: "Write all rows as one search expression in the field search.",
		Syntax:  `format [mvsep="OR"] [maxresults=<n>] [emptystr="NOT ( )"] ["<row prefix>" "<column prefix>" "<column separator>" "<column end>" "<row separator>" "<row end>"]`,
		Doc: "A subsearch in brackets is formatted this way automatically. Fields are in alphabetical order, and internal fields are\n" +
			"left out. A field named `search` or `query` contributes its value as is.",
		Args: []syntax.Arg{
			{Name: "mvsep", Default: "OR", Doc: "The text between the values of one field."},
			{Name: "maxresults", Default: "0", Doc: "Maximum number of rows; 0 means all."},
			{Name: "emptystr", Default: "NOT ( )", Doc: "The result when there are no rows."},
			{Name: "<six texts>", Default: `"(" "(" "AND" ")" "OR" ")"`, Doc: "Give all six or none."},
		},
		Examples: []syntax.Example{{
			Search: `| makeresults format=csv data="u,ip
a,10.0.0.1
b,10.0.0.2" | format`,
			Want: []string{`{"search":"( ( ip=\"10.0.0.1\" AND u=\"a\" ) OR ( ip=\"10.0.0.2\" AND u=\"b\" ) )"}`},
		}},
		Parse: parseFormat,
	})
}

func parseFormat(p *syntax.Parser) (syntax.Command, error) {
	c := &Format{syntax.DefaultFormat()}
	texts := []*string{&c.Options.RowPrefix, &c.Options.ColPrefix, &c.Options.ColSep, &c.Options.ColEnd, &c.Options.RowSep, &c.Options.RowEnd}
	given := 0
	for !p.AtEnd() {
		err := p.Options([]string{"mvsep", "maxresults", "emptystr"}, func(o syntax.Option) (err error) {
			switch o.Name {
			case "mvsep":
				c.Options.MVSep = o.Value.Text
			case "emptystr":
				c.Options.Empty = o.Value.Text
			default:
				c.Options.MaxRows, err = o.Int(0)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		tok := p.Peek()
		if tok.Kind != syntax.Quoted {
			break
		}
		if given == len(texts) {
			return nil, diag.At(tok.Span, "format takes six texts")
		}
		if tok, err = p.Take(); err != nil {
			return nil, err
		}
		*texts[given] = tok.Text
		given++
	}
	if given > 0 && given < len(texts) {
		return nil, diag.At(p.Peek().Span, "format takes six texts, not %d", given)
	}
	return c, nil
}

// Print implements syntax.Command.
func (c *Format) Print() string {
	o, d := c.Options, syntax.DefaultFormat()
	s := "format"
	if o.MVSep != d.MVSep {
		s += " mvsep=" + filter.Quote(o.MVSep)
	}
	if o.MaxRows != 0 {
		s += " maxresults=" + strconv.Itoa(o.MaxRows)
	}
	if o.Empty != d.Empty {
		s += " emptystr=" + filter.Quote(o.Empty)
	}
	own := []string{o.RowPrefix, o.ColPrefix, o.ColSep, o.ColEnd, o.RowSep, o.RowEnd}
	for i, text := range []string{d.RowPrefix, d.ColPrefix, d.ColSep, d.ColEnd, d.RowSep, d.RowEnd} {
		if own[i] != text {
			for _, text := range own {
				s += " " + syntax.QuoteArg(text)
			}
			break
		}
	}
	return s
}

// Needs implements syntax.Command.
func (c *Format) Needs(filter.FieldSet) filter.FieldSet { return filter.AllFields() }

// Tabulates says that the rows are no longer events.
func (c *Format) Tabulates() bool { return true }

// Open implements exec.Serial.
func (c *Format) Open(_ context.Context, env *exec.Env, in exec.Operator) (exec.Operator, error) {
	return op.Gathered(env, in, func(_ context.Context, rows []*vector.Batch) (exec.Operator, error) {
		held := env.Memory.Hold()
		defer held.Release()
		for _, b := range rows { // each row as text, then the combined text
			if err := held.Add(2 * syntax.TextSize(b)); err != nil && !exec.EndsEarly(err) {
				return nil, err
			}
		}
		o := c.Options
		o.Poll = env.Poll
		return oneCell("search", syntax.FormatRows(rows, o)), nil
	}), nil
}

// oneCell returns a table with one row and one column.
func oneCell(name, text string) exec.Operator {
	return exec.Rows(&vector.Batch{Len: 1, Cols: []*vector.Column{vector.Constant(name, vector.String(text))}})
}
