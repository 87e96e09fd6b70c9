package expr

import (
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// Implementation computes a function that needs more than its arguments'
// values, or that can treat a batch at once. Any field may be nil.
type Implementation struct {
	// Compile returns the function for one row at a time; nil: FunctionDef.Call.
	Compile func(c *Compiler, call *syntax.Call) (Eval, error)
	// Polled is FunctionDef.Try of a function whose work on one value may take long;
	// it calls poll in its loops. Compile goes first.
	Polled func(args []vector.Value, poll func()) (vector.Value, error)
	// Kernel computes the function for whole batches, where it can; it must
	// agree with Call or Compile.
	Kernel func(c *Compiler, call *syntax.Call) Kernel
}

var implementations = map[*syntax.FunctionDef]Implementation{}

// Implement adds an implementation to a registered function. It panics when
// what it adds is there already.
func Implement(d *syntax.FunctionDef, add Implementation) {
	impl := implementations[d]
	if add.Compile != nil {
		if impl.Compile != nil {
			panic("function " + d.Name + " is compiled in two ways")
		}
		impl.Compile = add.Compile
	}
	if add.Polled != nil {
		impl.Polled = add.Polled
	}
	if add.Kernel != nil {
		if impl.Kernel != nil {
			panic("function " + d.Name + " has two kernels")
		}
		impl.Kernel = add.Kernel
	}
	implementations[d] = impl
}
