package expr

import (
	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// CheckExpr is Check for a command's expression.
func CheckExpr(e syntax.Expr) error { return checkExpr(e, Compile) }

// CheckTest is CheckExpr for an expression that must be a condition.
func CheckTest(e syntax.Expr) error { return checkExpr(e, CompileTest) }

func checkExpr(e syntax.Expr, compile func(syntax.Expr, *exec.Env) (*Program, error)) error {
	if e == nil || len(syntax.ExprQueries(e)) > 0 {
		return nil
	}
	_, err := compile(e, nil)
	return err
}
