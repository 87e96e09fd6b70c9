package syntax

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// FormatOptions are the texts that format puts around and between values.
type FormatOptions struct {
	RowPrefix, ColPrefix, ColSep, ColEnd, RowSep, RowEnd string
	MVSep                                                string
	Empty                                                string // for no rows
	MaxRows                                              int    // 0 = all
	Poll                                                 func() // called for every row; nil: nothing is
}

// DefaultFormat is how a subsearch in brackets becomes text.
func DefaultFormat() FormatOptions {
	return FormatOptions{RowPrefix: "(", ColPrefix: "(", ColSep: "AND", ColEnd: ")", RowSep: "OR", RowEnd: ")", MVSep: "OR", Empty: "NOT ( )"}
}

// TextSize is about how many bytes the rows of a batch have as text, where each value
// is written out for every row that has it.
func TextSize(b *vector.Batch) (n int) {
	for i := range b.Len {
		n += b.RowSize(i)
	}
	return n
}

// FormatRows writes rows as a search expression. Fields stand in alphabetical
// order, those beginning with _ are left out; a field called search or query
// gives its value as it is.
func FormatRows(batches []*vector.Batch, o FormatOptions) string {
	var rows []string
	for _, b := range batches {
		cols := slices.Clone(b.Cols)
		slices.SortFunc(cols, func(x, y *vector.Column) int { return strings.Compare(x.Name, y.Name) })
		for i := range b.Len {
			if o.MaxRows > 0 && len(rows) == o.MaxRows {
				break
			}
			if o.Poll != nil {
				o.Poll()
			}
			if row := formatRow(cols, i, o); row != "" {
				rows = append(rows, row)
			}
		}
	}
	if len(rows) == 0 {
		return o.Empty
	}
	return o.RowPrefix + " " + strings.Join(rows, " "+o.RowSep+" ") + " " + o.RowEnd
}

func formatRow(cols []*vector.Column, i int, o FormatOptions) string {
	var parts []string
	for _, c := range cols {
		v := c.At(i)
		if v.IsNull() || strings.HasPrefix(c.Name, "_") {
			continue
		}
		if c.Name == "search" || c.Name == "query" {
			parts = append(parts, v.Text())
			continue
		}
		tests := make([]string, v.Len())
		for j := range tests {
			tests[j] = filter.PrintTest(c.Name, v.At(j))
		}
		if len(tests) == 1 {
			parts = append(parts, tests[0])
			continue
		}
		parts = append(parts, "( "+strings.Join(tests, " "+o.MVSep+" ")+" )")
	}
	if len(parts) == 0 {
		return ""
	}
	return o.ColPrefix + " " + strings.Join(parts, " "+o.ColSep+" ") + " " + o.ColEnd
}

// SubsearchText is what takes a subsearch's place: the value of its field
// search or query if there is just that, else the rows as FormatRows writes
// them.
func SubsearchText(batches []*vector.Batch) string {
	var only []string
	for _, b := range batches {
		for i := range b.Len {
			for _, c := range b.Cols {
				v := c.At(i)
				switch {
				case v.IsNull() || strings.HasPrefix(c.Name, "_"):
				case c.Name == "search" || c.Name == "query":
					only = append(only, v.Text())
				default:
					return FormatRows(batches, DefaultFormat())
				}
			}
		}
	}
	switch len(only) {
	case 0:
		return DefaultFormat().Empty
	case 1:
		return only[0]
	}
	return "(" + strings.Join(only, ") OR (") + ")"
}

// ParseSearch reads a search expression that stands by itself; name is what
// errors call it.
func ParseSearch(name, text string) (filter.Expr, error) {
	p := newParser(text)
	e, err := p.SearchExpr()
	err = p.finish(err)
	var d *diag.Error
	if errors.As(err, &d) {
		d.Name = name
	}
	return e, err
}

// SearchQueries returns the subsearches inside a search expression.
func SearchQueries(e filter.Expr) []*Query {
	var list []*Query
	filter.PrintWith(e, 0, func(q fmt.Stringer) string { list = append(list, q.(*Query)); return "" })
	return list
}

// ResolveSearch puts texts in the place of the subsearches of e and reads the
// result anew.
func ResolveSearch(e filter.Expr, text func(*Query) (string, error)) (filter.Expr, error) {
	if len(SearchQueries(e)) == 0 {
		return e, nil
	}
	src, err := resolved(func(sub func(*Query) string) string {
		return filter.PrintWith(e, 0, func(q fmt.Stringer) string { return sub(q.(*Query)) })
	}, text)
	if err != nil {
		return nil, err
	}
	p := newParser(src)
	out, err := p.SearchExpr()
	return out, p.finish(err)
}

// ExprQueries returns the subsearches inside an eval expression.
func ExprQueries(e Expr) []*Query {
	var list []*Query
	printExpr(e, 0, func(q *Query) string { list = append(list, q); return "" })
	return list
}

// ResolveExpr is ResolveSearch for eval expressions.
func ResolveExpr(e Expr, text func(*Query) (string, error)) (Expr, error) {
	if len(ExprQueries(e)) == 0 {
		return e, nil
	}
	src, err := resolved(func(sub func(*Query) string) string { return printExpr(e, 0, sub) }, func(q *Query) (string, error) {
		t, err := text(q)
		if t == DefaultFormat().Empty {
			t = "(1=0)" // no rows, as an expression has it
		}
		return t, err
	})
	if err != nil {
		return nil, err
	}
	p := newParser(src)
	out, err := p.Expr()
	return out, p.finish(err)
}

func resolved(printed func(func(*Query) string) string, text func(*Query) (string, error)) (string, error) {
	var failed error
	src := printed(func(q *Query) string {
		if failed != nil {
			return ""
		}
		t, err := text(q)
		failed = err
		return t
	})
	return src, failed
}

func newParser(src string) *Parser { return &Parser{scanner: scanner{src: src, end: len(src)}} }

// finish checks that everything was read and gives errors their text.
func (p *Parser) finish(err error) error {
	if err == nil && p.Peek().Kind != EOF { // a | would end the command, and what is behind it be lost
		var tok Token
		if tok, err = p.Take(); err == nil {
			err = p.Unexpected(tok, "the end")
		}
	}
	var e *diag.Error
	if errors.As(err, &e) && e.Src == "" {
		e.Src, e.Name = p.src, "search with the results of its subsearches"
	}
	return err
}

// ParseSearchExpr reads a search expression that stands by itself.
func ParseSearchExpr(text string) (filter.Expr, error) {
	p := newParser(text)
	e, err := p.SearchExpr()
	return e, p.finish(err)
}

// ParseExpr reads an eval expression that stands by itself.
func ParseExpr(text string) (Expr, error) {
	p := newParser(text)
	e, err := p.Expr()
	return e, p.finish(err)
}
