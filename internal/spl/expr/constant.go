package expr

import (
	"errors"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// EvalConstant evaluates an expression that reads no fields.
func EvalConstant(text string) (vector.Value, error) {
	e, err := syntax.ParseExpr(text)
	if err != nil {
		var d *diag.Error
		if errors.As(err, &d) {
			d.Name = "expression"
		}
		return vector.Value{}, err
	}
	prog, err := Compile(e, nil)
	if err != nil {
		return vector.Value{}, err
	}
	return prog.Value(&vector.Batch{Len: 1}, 0), nil
}
