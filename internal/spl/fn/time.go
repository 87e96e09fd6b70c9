package fn

import (
	"strconv"
	"time"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

// seconds formats a time with six decimals, as Splunk does.
func seconds(t time.Time) vector.Value {
	f := splunktime.Epoch(t)
	return vector.Formatted(f, strconv.FormatFloat(f, 'f', 6, 64))
}

// lastTime is the last second of the year 9999, in seconds since the epoch.
const lastTime = 253402300799

func timeFunction(c *expr.Compiler, call *syntax.Call, f func(t float64, text string) vector.Value) (expr.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	return func(fr *expr.Frame) vector.Value {
		t, ok := evs[0](fr).Num()
		text := evs[1](fr)
		if !ok || text.IsNull() || !(t > -lastTime && t < lastTime) {
			return null
		}
		return f(t, text.Text())
	}, nil
}
