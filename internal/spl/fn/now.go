package fn

import (
	"time"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	compiled(dateTime, "now", "now()", "The start time of the search, in seconds since 1970.", 0, 0, func(c *expr.Compiler, _ *syntax.Call) (expr.Eval, error) {
		v := vector.Float(float64(c.Clock().Unix()))
		return func(*expr.Frame) vector.Value { return v }, nil
	}, "now()", `"1700000000"`)
	varying(dateTime, "time", "The time at which the row is processed, to the microsecond.", func() vector.Value {
		return seconds(time.Now())
	}, "if(time() > 1700000000, 1, 2)", `"1"`)
}
