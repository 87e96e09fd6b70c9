package fn

import (
	"time"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

func init() {
	compiled(dateTime, "relative_time", "relative_time(<time>, <modifier>)", "A time shifted and snapped by a modifier such as -1d@d. The units are s, m, h, d, w, mon, q and y, or their full names; @w1 is Monday, @w0 and @w7 are Sunday. Parts are applied in order, by the calendar of the user's time zone.", 2, 2, func(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
		var at time.Time // of the previous row, which often snaps to the same time
		last := null
		return timeFunction(c, call, func(f float64, text string) vector.Value {
			t, err := splunktime.RelativeTime(text, splunktime.FromEpoch(f).In(c.Clock().Location()))
			if err != nil {
				return null
			}
			if !t.Equal(at) || last.IsNull() {
				at, last = t, seconds(t)
			}
			return last
		})
	}, `relative_time(1700000000, "@d")`, `"1699920000.000000"`)
	checked(checkModifier, "relative_time")
}

func checkModifier(call *syntax.Call) error {
	if err := numbers(0)(call); err != nil {
		return err
	}
	if lit, ok := call.Args[1].(*syntax.Literal); ok {
		if _, err := splunktime.RelativeTime(lit.Value.Text(), splunktime.FromEpoch(0)); err != nil {
			return diag.At(lit.Span, "%q is not a relative time modifier", lit.Value.Text()).WithHint("use a form such as -24h, -7d@d, @w1 or +1mon@mon")
		}
	}
	return nil
}
