package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(dateTime, "relative_time", "relative_time(<time>, <modifier>)", "A time moved and snapped by a modifier such as -1d@d.", 2, 2, func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
		return timeFunction(c, call, func(f float64, text string) vector.Value {
			t, err := spl.RelativeTime(text, spl.FromEpoch(f).In(c.Clock().Location()))
			if err != nil {
				return null
			}
			return seconds(t)
		})
	}, `relative_time(1700000000, "@d")`, `"1699920000.000000"`)
}
