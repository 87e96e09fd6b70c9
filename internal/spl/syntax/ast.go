package syntax

import (
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
