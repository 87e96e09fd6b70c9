package expr

import "bluetrail/internal/spl/syntax"

// Implementation computes a function that needs more than its arguments'
// values, or that can treat a batch at once. Either field may be nil.
type Implementation struct {
	// Compile returns the function for one row at a time; nil: FunctionDef.Call.
	Compile func(c *Compiler, call *syntax.Call) (Eval, error)
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
	if add.Kernel != nil {
		if impl.Kernel != nil {
			panic("function " + d.Name + " has two kernels")
		}
		impl.Kernel = add.Kernel
	}
	implementations[d] = impl
}
