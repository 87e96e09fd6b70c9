// Package fn holds the functions of eval and where. They register themselves;
// importing the package makes them known.
package fn

import (
	"slices"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// null is the missing value.
var null vector.Value

// function registers a function with one example: expr is computed and gives
// want, a JSON value or "" for null.
func function(group, name, usage, doc string, least, most int, call func(args []vector.Value) vector.Value, expr, want string, aliases ...string) {
	syntax.RegisterFunction(&syntax.FunctionDef{
		Name: name, Aliases: aliases, Group: group, Min: least, Max: most, Syntax: usage, Doc: doc,
		Examples: example(expr, want), Call: call,
	})
}

// compiled registers a function that needs more than its arguments' values.
func compiled(group, name, usage, doc string, least, most int, compile func(c *expr.Compiler, call *syntax.Call) (expr.Eval, error), e, want string, aliases ...string) {
	d := &syntax.FunctionDef{
		Name: name, Aliases: aliases, Group: group, Min: least, Max: most, Syntax: usage, Doc: doc,
		Examples: example(e, want),
	}
	syntax.RegisterFunction(d)
	expr.Implement(d, expr.Implementation{Compile: compile})
}

// bounded registers a function that reports when its value would be too large.
func bounded(group, name, usage, doc string, least, most int, try func(args []vector.Value) (vector.Value, error), expr, want string) {
	syntax.RegisterFunction(&syntax.FunctionDef{
		Name: name, Group: group, Min: least, Max: most, Syntax: usage, Doc: doc,
		Examples: example(expr, want), Try: try,
	})
}

// polled registers a function whose work on one value may take long: it calls poll
// in its loops, which ends the search by a panic once it is cancelled.
func polled(group, name, usage, doc string, least, most int, try func(args []vector.Value, poll func()) (vector.Value, error), e, want string) {
	d := &syntax.FunctionDef{
		Name: name, Group: group, Min: least, Max: most, Syntax: usage, Doc: doc,
		Examples: example(e, want),
	}
	syntax.RegisterFunction(d)
	expr.Implement(d, expr.Implementation{Polled: try})
}

// pollEvery is how many values of a list are worked on between two polls.
const pollEvery = 4096

// varying registers a function without arguments whose value differs in every row.
func varying(group, name, doc string, next func() vector.Value, expr, want string) {
	syntax.RegisterFunction(&syntax.FunctionDef{
		Name: name, Group: group, Syntax: name + "()", Doc: doc, Varies: true,
		Examples: example(expr, want), Call: func([]vector.Value) vector.Value { return next() },
	})
}

// gives sets the result type of registered functions.
func gives(o syntax.Outcome, names ...string) {
	for _, name := range names {
		syntax.LookupFunction(name).Gives = o
	}
}

// checked adds a check of the arguments to registered functions.
func checked(check func(call *syntax.Call) error, names ...string) {
	for _, name := range names {
		syntax.LookupFunction(name).Check = check
	}
}

// numbers returns a check that the arguments at these positions are numbers; without
// positions, all of them.
func numbers(places ...int) func(call *syntax.Call) error {
	return func(call *syntax.Call) error {
		for i, a := range call.Args {
			lit, ok := a.(*syntax.Literal)
			if !ok || len(places) > 0 && !slices.Contains(places, i) {
				continue
			}
			if _, ok := lit.Value.Num(); !ok && !lit.Value.IsNull() {
				return diag.At(lit.Span, "%s takes a number here", call.Def.Name).WithHint("%s; write a field without quotes, or in single quotes", call.Def.Syntax)
			}
		}
		return nil
	}
}

// pairs returns a check that the arguments from a position on come in pairs.
func pairs(from int, pair string) func(call *syntax.Call) error {
	return func(call *syntax.Call) error {
		if last := len(call.Args) - 1; (last-from)%2 == 0 {
			return diag.At(call.Args[last].Place(), "%s takes pairs: %s", call.Def.Name, pair).WithHint("%s", call.Def.Syntax)
		}
		return nil
	}
}

// withFlag makes a function of a value and, optionally, true() or false(), which
// may also be written true, "true" or 1.
func withFlag(call func(v vector.Value, flag bool) vector.Value) func(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	return func(c *expr.Compiler, e *syntax.Call) (expr.Eval, error) {
		x, err := c.Compile(e.Args[0])
		if err != nil {
			return nil, err
		}
		flag := func(*expr.Frame) vector.Value { return vector.Truth(false) }
		if len(e.Args) == 2 {
			if flag, err = c.Condition(e.Args[1]); err != nil { // no test, and not the word
				if flag, err = c.Compile(e.Args[1]); err != nil {
					return nil, err
				}
			}
		}
		return func(f *expr.Frame) vector.Value {
			return c.Bounded(call(x(f), tobool([]vector.Value{flag(f)}).True()))
		}, nil
	}
}

// batched adds a kernel to a registered function.
func batched(name string, kernel func(c *expr.Compiler, call *syntax.Call) expr.Kernel) {
	expr.Implement(syntax.LookupFunction(name), expr.Implementation{Kernel: kernel})
}

func example(expr, want string) []syntax.Example {
	row := "{}"
	if want != "" {
		row = `{"r":` + want + `}`
	}
	return []syntax.Example{{Search: "| makeresults | eval r=" + expr + " | table r", Want: []string{row}}}
}

// number makes a function of one number; NaN is null.
func number(f func(x float64) float64) func(args []vector.Value) vector.Value {
	return func(args []vector.Value) vector.Value {
		x, ok := args[0].Num()
		if !ok {
			return null
		}
		return float(f(x))
	}
}

func float(f float64) vector.Value {
	if f != f {
		return null
	}
	return vector.Float(f)
}

// text makes a function of one text, which is computed for each value of a
// list.
func text(f func(s string) string) func(args []vector.Value) vector.Value {
	return func(args []vector.Value) vector.Value {
		v := args[0]
		switch v.Kind() {
		case vector.Null:
			return null
		case vector.List:
			out := make([]string, v.Len())
			for i := range out {
				out[i] = f(v.At(i))
			}
			return vector.Strings(out)
		}
		return vector.String(f(v.Text()))
	}
}

// integer reads a value as a whole number.
func integer(v vector.Value) (int, bool) {
	f, ok := v.Num()
	if !ok || f != f || f > 1<<53 || f < -(1<<53) {
		return 0, false
	}
	return int(f), true
}
