package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(dateTime, "strftime", "strftime(<time>, <format>)", "A time as text: %Y-%m-%d %H:%M:%S and the other variables of Splunk.", 2, 2, func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
		return timeFunction(c, call, func(f float64, format string) vector.Value {
			return vector.String(spl.FormatTime(spl.FromEpoch(f).In(c.Clock().Location()), format))
		})
	}, `strftime(1700000000, "%Y-%m-%dT%H:%M:%S")`, `"2023-11-14T22:13:20"`)
}
