// Package fn holds the functions of eval and where. They register themselves;
// importing the package makes them known.
package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

// null is the missing value.
var null vector.Value

// function registers a function with one example: expr is computed and gives
// want, a JSON value or "" for null.
func function(group, name, syntax, doc string, least, most int, call func(args []vector.Value) vector.Value, expr, want string, aliases ...string) {
	spl.RegisterFunction(&spl.FunctionDef{
		Name: name, Aliases: aliases, Group: group, Min: least, Max: most, Syntax: syntax, Doc: doc,
		Examples: example(expr, want), Call: call,
	})
}

// compiled registers a function that needs more than its arguments' values.
func compiled(group, name, syntax, doc string, least, most int, compile func(c *spl.Compiler, call *spl.Call) (spl.Eval, error), expr, want string, aliases ...string) {
	spl.RegisterFunction(&spl.FunctionDef{
		Name: name, Aliases: aliases, Group: group, Min: least, Max: most, Syntax: syntax, Doc: doc,
		Examples: example(expr, want), Compile: compile,
	})
}

// bounded registers a function that says when its value would be too large to
// make.
func bounded(group, name, syntax, doc string, least, most int, try func(args []vector.Value) (vector.Value, error), expr, want string) {
	spl.RegisterFunction(&spl.FunctionDef{
		Name: name, Group: group, Min: least, Max: most, Syntax: syntax, Doc: doc,
		Examples: example(expr, want), Try: try,
	})
}

// varying registers a function without arguments that gives another value for
// every row.
func varying(group, name, doc string, next func() vector.Value, expr, want string) {
	spl.RegisterFunction(&spl.FunctionDef{
		Name: name, Group: group, Syntax: name + "()", Doc: doc, Varies: true,
		Examples: example(expr, want), Call: func([]vector.Value) vector.Value { return next() },
	})
}

// batched gives a function, which is registered, its kernel.
func batched(name string, kernel func(c *spl.Compiler, call *spl.Call) spl.Kernel) {
	spl.LookupFunction(name).Kernel = kernel
}

func example(expr, want string) []spl.Example {
	row := "{}"
	if want != "" {
		row = `{"r":` + want + `}`
	}
	return []spl.Example{{Search: "| makeresults | eval r=" + expr + " | table r", Want: []string{row}}}
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
