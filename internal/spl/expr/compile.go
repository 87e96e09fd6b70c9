// Package expr compiles expressions of eval and where to closures for one row,
// and where it can to kernels for whole batches.
package expr

import (
	"fmt"
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Eval computes an expression for the row that its Frame stands at.
type Eval func(f *Frame) vector.Value

// Frame is the row an expression looks at, and what has been set over it.
type Frame struct {
	env   *exec.Env // nil for a constant
	row   int
	slots []slot
	work  int // what With computed for the batch
	texts arena
}

// slot is one field of the row.
type slot struct {
	col  *vector.Column // nil = the batch has no such column
	over vector.Value   // read instead of the column where set
	set  bool
}

// Get returns the field of a slot in the current row.
func (f *Frame) Get(i int) vector.Value {
	s := &f.slots[i]
	if s.set {
		return s.over
	}
	if s.col == nil {
		return vector.Value{}
	}
	return s.col.At(f.row)
}

// Batch returns the columns of slots, n rows long, without what is set over
// them.
func (f *Frame) Batch(n int, slots []int) *vector.Batch {
	b := &vector.Batch{Len: n}
	for _, i := range slots {
		if col := f.slots[i].col; col != nil {
			b.Cols = append(b.Cols, col)
		}
	}
	return b
}

// maxWork bounds what With computes for a batch: lists over lists multiply, and
// nobody can end the search within a batch.
const maxWork = 1 << 25

// ErrTooMuch says that an expression is computed for too many values.
var ErrTooMuch = fmt.Errorf("more than %d list values in one batch of rows; the rest is left out", maxWork)

// Spent reports whether With has computed as much as it may.
func (f *Frame) Spent() bool { return f.work > maxWork }

// With computes ev with the field of a slot set to v.
func (f *Frame) With(i int, v vector.Value, ev Eval) vector.Value {
	if f.work++; f.work%256 == 0 {
		f.env.Poll()
	}
	was := f.slots[i]
	f.slots[i].over, f.slots[i].set = v, true
	out := ev(f)
	f.slots[i] = was
	return out
}

// Compiler turns expressions into closures that share one Frame.
type Compiler struct {
	Env    *exec.Env // nil while a constant is computed
	slots  map[string]int
	names  []string
	varies bool // the same fields may give different values
	exact  bool // products keep all their digits
	dotted []dotted
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

// Clock returns the time of the search, in the user's zone.
func (c *Compiler) Clock() time.Time {
	if c.Env == nil {
		return time.Unix(0, 0).UTC()
	}
	return c.Env.Now.In(c.Env.Zone)
}

// Poll ends the search from inside an expression; see Env.Poll.
func (c *Compiler) Poll() { c.Env.Poll() }

// Warn notes something about the result; a constant that is computed without a
// search has nobody to warn.
func (c *Compiler) Warn(format string, args ...any) {
	if c.Env != nil {
		c.Env.Warn(format, args...)
	}
}

// Bounded returns v, or null and a warning when it is too large.
func (c *Compiler) Bounded(v vector.Value) vector.Value {
	switch v.Kind() {
	case vector.Text:
		if v.Size() <= MaxValue {
			return v
		}
	case vector.List:
		if v.Size() <= MaxList {
			return v
		}
	default:
		return v
	}
	c.Warn("%v", ErrTooLarge)
	return vector.Value{}
}

// Compile checks an expression and makes it ready to run.
func Compile(e syntax.Expr, env *exec.Env) (*Program, error) {
	return compile(e, env, (*Compiler).Compile)
}

// CompileTest is Compile for an expression that must be a test.
func CompileTest(e syntax.Expr, env *exec.Env) (*Program, error) {
	return compile(e, env, (*Compiler).Condition)
}

func compile(e syntax.Expr, env *exec.Env, how func(*Compiler, syntax.Expr) (Eval, error)) (*Program, error) {
	c := &Compiler{Env: env, slots: map[string]int{}}
	ev, err := how(c, e)
	if err != nil {
		return nil, err
	}
	p := &Program{eval: ev, env: env, varies: c.varies, dotted: c.dotted}
	if f, ok := e.(*syntax.Field); ok && len(c.names) > 0 {
		p.field = f.Name
	} else if _, ok := e.(*syntax.Literal); !ok {
		p.kernel = c.Kernel(e)
	}
	p.names, p.frame.slots, p.frame.env = c.names, make([]slot, len(c.names)), env
	return p, nil
}

// ExprFields returns the fields an expression reads.
func ExprFields(e syntax.Expr) []string {
	var list []string
	var walk func(syntax.Expr)
	walk = func(e syntax.Expr) {
		switch e := e.(type) {
		case *syntax.Field:
			list = append(list, e.Name)
		case *syntax.Unary:
			walk(e.X)
		case *syntax.Binary:
			walk(e.L)
			walk(e.R)
		case *syntax.Among:
			walk(e.X)
			for _, a := range e.List {
				walk(a)
			}
		case *syntax.Call:
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
func (c *Compiler) Compile(e syntax.Expr) (Eval, error) {
	switch e := e.(type) {
	case *syntax.Literal:
		v := e.Value
		return func(*Frame) vector.Value { return v }, nil
	case *syntax.Field:
		slot := c.Slot(e.Name)
		return func(f *Frame) vector.Value { return f.Get(slot) }, nil
	case *syntax.Unary:
		return c.unary(e)
	case *syntax.Binary:
		return c.binary(e)
	case *syntax.Among:
		return c.among(e)
	case *syntax.Call:
		return c.call(e)
	case *syntax.Inner:
		return nil, diag.At(e.Span, "a subsearch is not allowed here").WithHint("subsearches are run before the expression is read; in eval use lookup, join or map")
	}
	return nil, diag.At(e.Place(), "this expression cannot be computed")
}

// Exactly is Compile for an expression whose products are not rounded to
// significant digits.
func (c *Compiler) Exactly(e syntax.Expr) (Eval, error) {
	was := c.exact
	defer func() { c.exact = was }()
	c.exact = true
	return c.Compile(e)
}

// Conditions is Condition for a list.
func (c *Compiler) Conditions(list []syntax.Expr) ([]Eval, error) {
	return compileEach(list, c.Condition)
}

// All is Compile for a list.
func (c *Compiler) All(list []syntax.Expr) ([]Eval, error) { return compileEach(list, c.Compile) }

func compileEach(list []syntax.Expr, compile func(syntax.Expr) (Eval, error)) ([]Eval, error) {
	evs := make([]Eval, len(list))
	for i, a := range list {
		var err error
		if evs[i], err = compile(a); err != nil {
			return nil, err
		}
	}
	return evs, nil
}

// largeArg is the size of an argument before which a call looks whether the search
// is cancelled.
const largeArg = 64 << 10

func (c *Compiler) call(e *syntax.Call) (Eval, error) {
	c.varies = c.varies || e.Def.Varies
	if e.Def.Check != nil {
		if err := e.Def.Check(e); err != nil {
			return nil, err
		}
	}
	impl := implementations[e.Def]
	if impl.Compile != nil {
		return impl.Compile(c, e)
	}
	evs, err := c.All(e.Args)
	if err != nil {
		return nil, err
	}
	fn := e.Def.Call
	try := e.Def.Try
	if impl.Polled != nil {
		try = func(args []vector.Value) (vector.Value, error) { return impl.Polled(args, c.Poll) }
	}
	if try != nil {
		fn = func(args []vector.Value) vector.Value {
			v, err := try(args)
			if err != nil {
				c.Warn("%s: %v", e.Def.Name, err)
			}
			return v
		}
	}
	// Most functions take a few milliseconds for a large value, and calls nest.
	call := func(args []vector.Value) vector.Value {
		for i := range args {
			if args[i].Size() > largeArg {
				c.Poll()
				break
			}
		}
		return c.Bounded(fn(args))
	}
	args := make([]vector.Value, len(evs)) // a Program belongs to one goroutine, and functions keep no arguments
	switch len(evs) {
	case 1:
		x := evs[0]
		return func(f *Frame) vector.Value {
			args[0] = x(f)
			return call(args)
		}, nil
	case 2:
		x, y := evs[0], evs[1]
		return func(f *Frame) vector.Value {
			args[0] = x(f)
			args[1] = y(f)
			return call(args)
		}, nil
	}
	return func(f *Frame) vector.Value {
		for i, ev := range evs {
			args[i] = ev(f)
		}
		return call(args)
	}, nil
}
