package spl

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"bluetrail/internal/diag"
	"bluetrail/internal/vector"
)

// Eval computes an expression for the row that its Frame stands at.
type Eval func(f *Frame) vector.Value

// Frame is the row an expression looks at, and what has been set over it.
type Frame struct {
	row  int
	cols []*vector.Column // by slot; nil = the batch has no such column
	over []vector.Value   // by slot; used where set
	set  []bool
}

// Row returns the number of the current row in its batch.
func (f *Frame) Row() int { return f.row }

func (f *Frame) get(slot int) vector.Value {
	if f.set[slot] {
		return f.over[slot]
	}
	if c := f.cols[slot]; c != nil {
		return c.At(f.row)
	}
	return vector.Value{}
}

// Compiler turns expressions into closures that share one Frame.
type Compiler struct {
	Env   *Env // nil while a constant is computed
	slots map[string]int
	names []string
}

// Slot returns the place of a field in the Frame.
func (c *Compiler) Slot(name string) int {
	if i, ok := c.slots[name]; ok {
		return i
	}
	c.slots[name] = len(c.names)
	c.names = append(c.names, name)
	return len(c.names) - 1
}

// Program is a compiled expression. It belongs to one goroutine.
type Program struct {
	eval  Eval
	names []string
	frame Frame
	bound *vector.Batch
}

// Compile checks an expression and makes it ready to run.
func Compile(e Expr, env *Env) (*Program, error) {
	c := &Compiler{Env: env, slots: map[string]int{}}
	ev, err := c.Compile(e)
	if err != nil {
		return nil, err
	}
	return c.program(ev), nil
}

func (c *Compiler) program(ev Eval) *Program {
	n := len(c.names)
	return &Program{eval: ev, names: c.names, frame: Frame{cols: make([]*vector.Column, n), over: make([]vector.Value, n), set: make([]bool, n)}}
}

// Value computes the expression for row i of b.
func (p *Program) Value(b *vector.Batch, i int) vector.Value {
	if p.bound != b {
		p.bound = b
		for s, name := range p.names {
			p.frame.cols[s] = b.Col(name)
		}
	}
	p.frame.row = i
	return p.eval(&p.frame)
}

// Override makes a field read as v until Clear, whatever the batch says.
func (p *Program) Override(name string, v vector.Value) {
	for s, n := range p.names {
		if n == name {
			p.frame.over[s], p.frame.set[s] = v, true
		}
	}
}

// Clear takes all overrides back.
func (p *Program) Clear() { clear(p.frame.set) }

// ExprFields returns the fields an expression reads.
func ExprFields(e Expr) []string {
	var list []string
	var walk func(Expr)
	walk = func(e Expr) {
		switch e := e.(type) {
		case *Field:
			list = append(list, e.Name)
		case *Unary:
			walk(e.X)
		case *Binary:
			walk(e.L)
			walk(e.R)
		case *Among:
			walk(e.X)
			for _, a := range e.List {
				walk(a)
			}
		case *Call:
			for _, a := range e.Args {
				walk(a)
			}
			if e.Def.Reads != nil {
				list = append(list, e.Def.Reads(e)...)
			}
		}
	}
	walk(e)
	return list
}

// Compile turns one expression into a closure; functions with a Compile of
// their own call it for their arguments.
func (c *Compiler) Compile(e Expr) (Eval, error) {
	switch e := e.(type) {
	case *Literal:
		v := e.Value
		return func(*Frame) vector.Value { return v }, nil
	case *Field:
		slot := c.Slot(e.Name)
		return func(f *Frame) vector.Value { return f.get(slot) }, nil
	case *Unary:
		return c.unary(e)
	case *Binary:
		return c.binary(e)
	case *Among:
		return c.among(e)
	case *Call:
		return c.call(e)
	case *Sub:
		return nil, diag.At(e.Span, "a subsearch cannot stand here").WithHint("subsearches are run before the expression is read; in eval use lookup, join or map")
	}
	return nil, diag.At(e.Place(), "this expression cannot be computed")
}

func (c *Compiler) all(list []Expr) ([]Eval, error) {
	evs := make([]Eval, len(list))
	for i, a := range list {
		var err error
		if evs[i], err = c.Compile(a); err != nil {
			return nil, err
		}
	}
	return evs, nil
}

func (c *Compiler) call(e *Call) (Eval, error) {
	if e.Def.Compile != nil {
		return e.Def.Compile(c, e)
	}
	evs, err := c.all(e.Args)
	if err != nil {
		return nil, err
	}
	fn := e.Def.Call
	args := make([]vector.Value, len(evs)) // a Program belongs to one goroutine, and functions keep no arguments
	return func(f *Frame) vector.Value {
		own := args
		for i, ev := range evs {
			v := ev(f)
			own[i] = v
		}
		return fn(own)
	}, nil
}

func (c *Compiler) unary(e *Unary) (Eval, error) {
	x, err := c.Compile(e.X)
	if err != nil {
		return nil, err
	}
	switch e.Op {
	case "NOT":
		return func(f *Frame) vector.Value {
			v := x(f)
			if v.IsNull() {
				return v
			}
			return vector.Truth(!v.True())
		}, nil
	case "-":
		return func(f *Frame) vector.Value {
			if n, ok := x(f).Num(); ok {
				return vector.Float(-n)
			}
			return vector.Value{}
		}, nil
	}
	return x, nil
}

func (c *Compiler) binary(e *Binary) (Eval, error) {
	l, err := c.Compile(e.L)
	if err != nil {
		return nil, err
	}
	r, err := c.Compile(e.R)
	if err != nil {
		return nil, err
	}
	switch e.Op {
	case "AND":
		return func(f *Frame) vector.Value {
			a := l(f)
			if !a.IsNull() && !a.True() {
				return vector.Truth(false)
			}
			b := r(f)
			if !b.IsNull() && !b.True() {
				return vector.Truth(false)
			}
			if a.IsNull() || b.IsNull() {
				return vector.Value{}
			}
			return vector.Truth(true)
		}, nil
	case "OR":
		return func(f *Frame) vector.Value {
			a := l(f)
			if a.True() {
				return a
			}
			b := r(f)
			if b.True() {
				return b
			}
			if a.IsNull() || b.IsNull() {
				return vector.Value{}
			}
			return vector.Truth(false)
		}, nil
	case "XOR":
		return func(f *Frame) vector.Value {
			a, b := l(f), r(f)
			if a.IsNull() || b.IsNull() {
				return vector.Value{}
			}
			return vector.Truth(a.True() != b.True())
		}, nil
	case ".":
		return func(f *Frame) vector.Value { return concat(l(f), r(f)) }, nil
	case "LIKE":
		return c.like(e, l, r)
	case "=", "!=", "<", "<=", ">", ">=":
		test := comparisons[e.Op]
		return func(f *Frame) vector.Value { return anyPair(l(f), r(f), test) }, nil
	}
	op := arithmetic[e.Op]
	return func(f *Frame) vector.Value { return op(l(f), r(f)) }, nil
}

func (c *Compiler) like(e *Binary, l, r Eval) (Eval, error) {
	if lit, ok := e.R.(*Literal); ok {
		m := LikePattern(lit.Value.Text())
		return func(f *Frame) vector.Value { return anyValue(l(f), m) }, nil
	}
	return func(f *Frame) vector.Value {
		pat := r(f)
		if pat.IsNull() {
			return pat
		}
		return anyValue(l(f), LikePattern(pat.Text()))
	}, nil
}

// anyValue is true when test holds for any value of v, null for null.
func anyValue(v vector.Value, test func(string) bool) vector.Value {
	if v.IsNull() {
		return v
	}
	for i := range v.Len() {
		if test(v.At(i)) {
			return vector.Truth(true)
		}
	}
	return vector.Truth(false)
}

func (c *Compiler) among(e *Among) (Eval, error) {
	x, err := c.Compile(e.X)
	if err != nil {
		return nil, err
	}
	list, err := c.all(e.List)
	if err != nil {
		return nil, err
	}
	return func(f *Frame) vector.Value {
		v := x(f)
		if v.IsNull() {
			return v
		}
		for _, ev := range list {
			if anyPair(v, ev(f), equalTo).True() {
				return vector.Truth(true)
			}
		}
		return vector.Truth(false)
	}, nil
}

func equalTo(n int) bool { return n == 0 }

var comparisons = map[string]func(int) bool{
	"=": equalTo, "!=": func(n int) bool { return n != 0 },
	"<": func(n int) bool { return n < 0 }, "<=": func(n int) bool { return n <= 0 },
	">": func(n int) bool { return n > 0 }, ">=": func(n int) bool { return n >= 0 },
}

// Matches reports whether a = b holds in the sense of eval: any value of one
// against any of the other, numbers as numbers, case counts.
func Matches(a, b vector.Value) bool { return anyPair(a, b, equalTo).True() }

// anyPair compares as eval does: null when a side is missing, true when any
// value of a list passes.
func anyPair(a, b vector.Value, test func(int) bool) vector.Value {
	switch {
	case a.IsNull() || b.IsNull():
		return vector.Value{}
	case a.Kind() != vector.List && b.Kind() != vector.List:
		return vector.Truth(test(CompareValues(a, b)))
	}
	for i := range a.Len() {
		for j := range b.Len() {
			if test(CompareValues(vector.String(a.At(i)), vector.String(b.At(j)))) {
				return vector.Truth(true)
			}
		}
	}
	return vector.Truth(false)
}

// CompareValues orders two single values: as numbers when both are, else by
// the bytes of their text. NaN equals only itself and comes first.
func CompareValues(a, b vector.Value) int {
	if x, ok := a.Num(); ok {
		if y, ok := b.Num(); ok {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			case x == y, x != x && y != y:
				return 0
			case x != x:
				return -1
			}
			return 1
		}
	}
	return strings.Compare(a.Text(), b.Text())
}

func concat(a, b vector.Value) vector.Value {
	if a.IsNull() || b.IsNull() || a.Kind() == vector.List || b.Kind() == vector.List {
		return vector.Value{}
	}
	var buf [128]byte
	return vector.String(string(b.AppendText(a.AppendText(buf[:0]))))
}

var arithmetic = map[string]func(a, b vector.Value) vector.Value{
	"+": func(a, b vector.Value) vector.Value {
		x, okx := a.Num()
		y, oky := b.Num()
		if okx && oky {
			return vector.Float(x + y)
		}
		if a.Kind() == vector.Text && b.Kind() == vector.Text && !okx && !oky {
			return concat(a, b)
		}
		return vector.Value{}
	},
	"-": numeric(func(x, y float64) (float64, bool) { return x - y, true }),
	"*": func(a, b vector.Value) vector.Value {
		x, okx := a.Num()
		y, oky := b.Num()
		switch {
		case !okx || !oky:
			return vector.Value{}
		case a.Sig() > 0 && b.Sig() > 0:
			return rounded(x*y, min(a.Sig(), b.Sig()))
		case a.Sig() > 0 || b.Sig() > 0: // sigfig() asks for them
			return vector.Literal(x*y, max(a.Sig(), b.Sig()))
		}
		return vector.Float(x * y)
	},
	"/": numeric(func(x, y float64) (float64, bool) { return x / y, y != 0 }),
	"%": numeric(func(x, y float64) (float64, bool) { return math.Mod(x, y), y != 0 }),
}

func numeric(op func(x, y float64) (float64, bool)) func(a, b vector.Value) vector.Value {
	return func(a, b vector.Value) vector.Value {
		x, okx := a.Num()
		y, oky := b.Num()
		if !okx || !oky {
			return vector.Value{}
		}
		if z, ok := op(x, y); ok {
			return vector.Float(z)
		}
		return vector.Value{}
	}
}

// rounded keeps sig significant digits and shows them all, as Splunk does for a
// product of numbers that are written with a decimal point.
func rounded(f float64, sig int) vector.Value {
	if f == 0 || math.IsInf(f, 0) || sig > 17 {
		return vector.Literal(f, sig)
	}
	// The shortest decimal decides where a half lies, not the binary fraction.
	_, exp, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	power, _ := strconv.Atoi(exp)
	scale := math.Pow(10, float64(sig-1-power))
	shifted, err := strconv.ParseFloat(strconv.FormatFloat(f*scale, 'g', 15, 64), 64)
	if err != nil {
		return vector.Literal(f, sig)
	}
	g := math.Round(shifted) / scale
	text := ""
	if decimals := sig - 1 - power; decimals > 0 {
		text = strconv.FormatFloat(g, 'f', min(decimals, 17), 64)
	}
	return vector.Literal(g, sig).Shown(text)
}

// LikePattern returns the test for a LIKE pattern: % is any run of characters,
// _ one character, a backslash makes the next one literal. Case counts.
func LikePattern(pattern string) func(string) bool {
	const one, run = -1, -2
	var toks []rune
	rs := []rune(pattern)
	for i := 0; i < len(rs); i++ {
		switch {
		case rs[i] == '\\' && i+1 < len(rs) && (rs[i+1] == '%' || rs[i+1] == '_' || rs[i+1] == '\\'):
			i++
			toks = append(toks, rs[i])
		case rs[i] == '%':
			toks = append(toks, run)
		case rs[i] == '_':
			toks = append(toks, one)
		default:
			toks = append(toks, rs[i])
		}
	}
	return func(s string) bool {
		// Only the last % can usefully take in more, so one place to go back to is enough.
		pos, i, backPos, backTok := 0, 0, 0, -1
		for pos < len(s) {
			r, n := utf8.DecodeRuneInString(s[pos:])
			switch {
			case i < len(toks) && toks[i] == run:
				backPos, backTok = pos, i
				i++
			case i < len(toks) && (toks[i] == one || toks[i] == r):
				pos += n
				i++
			case backTok >= 0:
				_, n := utf8.DecodeRuneInString(s[backPos:])
				backPos += n
				pos, i = backPos, backTok+1
			default:
				return false
			}
		}
		for i < len(toks) && toks[i] == run {
			i++
		}
		return i == len(toks)
	}
}

// Clock returns the time of the search, in the user's zone.
func (c *Compiler) Clock() time.Time {
	if c.Env == nil {
		return time.Unix(0, 0).UTC()
	}
	return c.Env.Now.In(c.Env.Zone)
}

// Get returns the field of a slot in the current row.
func (f *Frame) Get(slot int) vector.Value { return f.get(slot) }

// With computes ev with the field of a slot set to v.
func (f *Frame) With(slot int, v vector.Value, ev Eval) vector.Value {
	old, was := f.over[slot], f.set[slot]
	f.over[slot], f.set[slot] = v, true
	out := ev(f)
	f.over[slot], f.set[slot] = old, was
	return out
}
