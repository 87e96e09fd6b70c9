package spl

import (
	"fmt"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"
)

// Query is a parsed search: its commands in order. Text is what was parsed,
// after macros were put in; every span points into it.
type Query struct {
	Text   string
	Stages []*Stage
	Span   diag.Span
}

// Stage is one command of a pipeline.
type Stage struct {
	Span diag.Span // name and arguments
	Def  *CommandDef
	Cmd  Command
}

// Search is an expression of the search command: *And, *Or, *Not, *Compare,
// *In, *Term, *TimeBound, *Sub or *Everything.
type Search interface {
	Place() diag.Span
	search()
}

// And holds when every argument does.
type And struct {
	Span diag.Span
	Args []Search
}

// Or holds when any argument does.
type Or struct {
	Span diag.Span
	Args []Search
}

// Not holds when its argument does not.
type Not struct {
	Span diag.Span
	Arg  Search
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

// Term looks for a word or phrase in _raw.
type Term struct {
	Span   diag.Span
	Text   string
	Phrase bool // written in double quotes
	Case   bool // CASE(x): case counts
	Exact  bool // TERM(x): bounded by major breakers
}

// TimeBound is a time modifier such as earliest=-1h.
type TimeBound struct {
	Span   diag.Span
	Name   string // lower case: earliest, _index_latest, daysago, timeformat, …
	Value  string
	Format string // of the timeformat that stands with it, "" = none
}

// Sub is a subsearch in the place of an expression. Whoever parsed it knows its
// type; here it only prints itself.
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

// Expr is an expression of eval and where: *Literal, *Field, *Unary, *Binary,
// *Call, *Among or *Inner.
type Expr interface {
	Place() diag.Span
	expr()
}

// Literal is a number or a string.
type Literal struct {
	Span  diag.Span
	Value vector.Value
	Text  string // a number as it was written
}

// Field is a reference to a field.
type Field struct {
	Span diag.Span
	Name string
}

// Unary is a sign or NOT.
type Unary struct {
	Span diag.Span
	Op   string // - + NOT
	X    Expr
}

// Binary is an operator between two expressions.
type Binary struct {
	Span diag.Span
	Op   string // OR XOR AND = != < <= > >= LIKE . + - * / %
	L, R Expr
}

// Among is x IN (a, b, …).
type Among struct {
	Span diag.Span
	X    Expr
	List []Expr
}

// Call is a function applied to arguments.
type Call struct {
	Span diag.Span
	Def  *FunctionDef
	Args []Expr
}

// Inner is a subsearch in the place of an operand.
type Inner struct {
	Span  diag.Span
	Query *Query
}

func (e *Literal) Place() diag.Span { return e.Span }
func (e *Field) Place() diag.Span   { return e.Span }
func (e *Unary) Place() diag.Span   { return e.Span }
func (e *Binary) Place() diag.Span  { return e.Span }
func (e *Among) Place() diag.Span   { return e.Span }
func (e *Call) Place() diag.Span    { return e.Span }
func (e *Inner) Place() diag.Span   { return e.Span }

func (*Literal) expr() {}
func (*Field) expr()   {}
func (*Unary) expr()   {}
func (*Binary) expr()  {}
func (*Among) expr()   {}
func (*Call) expr()    {}
func (*Inner) expr()   {}
