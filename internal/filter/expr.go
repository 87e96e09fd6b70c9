// Package filter holds the expression of a search: its syntax tree, how it
// prints, and which events it selects. Stores, rules and the search language
// share it.
package filter

import (
	"fmt"

	"bluetrail/internal/diag"
)

// Expr is an expression of the search command: *And, *Or, *Not, *Compare,
// *In, *Term, *TimeBound, *Sub or *Everything.
type Expr interface {
	Place() diag.Span
	search()
}

// And is true if every argument is.
type And struct {
	Span diag.Span
	Args []Expr
}

// Or is true if any argument is.
type Or struct {
	Span diag.Span
	Args []Expr
}

// Not is true if its argument is false.
type Not struct {
	Span diag.Span
	Arg  Expr
}

// Compare tests the values of a field against a literal.
type Compare struct {
	Span  diag.Span
	Field string
	Op    string // = != < <= > >=
	Value string
	Case  bool         // written CASE(value): case-sensitive
	Sub   fmt.Stringer // a subsearch whose result is the value; nil for a literal
}

// In tests whether a field has one of several values.
type In struct {
	Span   diag.Span
	Field  string
	Values []string
}

// Term searches for a word or phrase in _raw.
type Term struct {
	Span   diag.Span
	Text   string
	Phrase bool // double-quoted
	Case   bool // CASE(x): case-sensitive
	Exact  bool // TERM(x): bounded by major breakers
}

// TimeBound is a time modifier such as earliest=-1h.
type TimeBound struct {
	Span   diag.Span
	Name   string // lower-case: earliest, _index_latest, daysago, timeformat, …
	Value  string
	Format string // of the accompanying timeformat, "" = none
}

// Sub is a subsearch in place of an expression. Its type is known only to the
// parser; here it can only be printed.
type Sub struct {
	Span  diag.Span
	Query fmt.Stringer
}

// Everything is the lone * (or an empty search).
type Everything struct{ Span diag.Span }

func (e *And) Place() diag.Span        { return e.Span }
func (e *Or) Place() diag.Span         { return e.Span }
func (e *Not) Place() diag.Span        { return e.Span }
func (e *Compare) Place() diag.Span    { return e.Span }
func (e *In) Place() diag.Span         { return e.Span }
func (e *Term) Place() diag.Span       { return e.Span }
func (e *TimeBound) Place() diag.Span  { return e.Span }
func (e *Sub) Place() diag.Span        { return e.Span }
func (e *Everything) Place() diag.Span { return e.Span }

func (*And) search()        {}
func (*Or) search()         {}
func (*Not) search()        {}
func (*Compare) search()    {}
func (*In) search()         {}
func (*Term) search()       {}
func (*TimeBound) search()  {}
func (*Sub) search()        {}
func (*Everything) search() {}
