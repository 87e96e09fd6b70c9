package fn

import (
	"math"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	compiled(dateTime, "strftime", "strftime(<time>, <format>)", "A time as text: %Y-%m-%d %H:%M:%S and the other variables of Splunk.", 2, 2, compileStrftime, `strftime(1700000000, "%Y-%m-%dT%H:%M:%S")`, `"2023-11-14T22:13:20"`)
	checked(numbers(0), "strftime")
}

func compileStrftime(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	zone := c.Clock().Location()
	show := func(f float64, format string) vector.Value {
		return vector.String(spl.FormatTime(spl.FromEpoch(f).In(zone), format))
	}
	if lit, ok := call.Args[1].(*spl.Literal); ok { // events in order often have the same day or hour
		if grain := spl.TimeGrain(lit.Value.Text()); grain > 0 {
			at, last := math.NaN(), null
			return timeFunction(c, call, func(f float64, format string) vector.Value {
				f = spl.Epoch(spl.FromEpoch(f))
				if span := math.Floor(f / grain); span != at {
					at, last = span, show(f, format)
				}
				return last
			})
		}
	}
	return timeFunction(c, call, show)
}
