package fn

import (
	"strconv"
	"time"

	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

const dateTime = "Date and time"

func init() {
	compiled(dateTime, "now", "now()", "The time at which the search began, in seconds since 1970.", 0, 0, func(c *spl.Compiler, _ *spl.Call) (spl.Eval, error) {
		v := vector.Float(float64(c.Clock().Unix()))
		return func(*spl.Frame) vector.Value { return v }, nil
	}, "now()", `"1700000000"`)
	varying(dateTime, "time", "The time at which the row is worked on, to the microsecond.", func() vector.Value {
		return seconds(time.Now())
	}, "if(time() > 1700000000, 1, 2)", `"1"`)
	compiled(dateTime, "relative_time", "relative_time(<time>, <modifier>)", "A time moved and snapped by a modifier such as -1d@d.", 2, 2, func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
		return timeFunction(c, call, func(f float64, text string) vector.Value {
			t, err := spl.RelativeTime(text, spl.FromEpoch(f).In(c.Clock().Location()))
			if err != nil {
				return null
			}
			return seconds(t)
		})
	}, `relative_time(1700000000, "@d")`, `"1699920000.000000"`)
	compiled(dateTime, "strftime", "strftime(<time>, <format>)", "A time as text: %Y-%m-%d %H:%M:%S and the other variables of Splunk.", 2, 2, func(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
		return timeFunction(c, call, func(f float64, format string) vector.Value {
			return vector.String(spl.FormatTime(spl.FromEpoch(f).In(c.Clock().Location()), format))
		})
	}, `strftime(1700000000, "%Y-%m-%dT%H:%M:%S")`, `"2023-11-14T22:13:20"`)
	compiled(dateTime, "strptime", "strptime(<text>, <format>)", "The time that a text writes, in seconds since 1970; null when it does not fit the format.", 2, 2, compileStrptime, `strptime("2022-12-15 17:42:02", "%Y-%m-%d %H:%M:%S")`, `"1671126122.000000"`)
}

// seconds shows a time with the six decimals that Splunk gives it.
func seconds(t time.Time) vector.Value {
	f := spl.Epoch(t)
	return vector.Formatted(f, strconv.FormatFloat(f, 'f', 6, 64))
}

// lastTime is the last second of the year 9999.
const lastTime = 253402300799

func timeFunction(c *spl.Compiler, call *spl.Call, f func(t float64, text string) vector.Value) (spl.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	return func(fr *spl.Frame) vector.Value {
		t, ok := evs[0](fr).Num()
		text := evs[1](fr)
		if !ok || text.IsNull() || !(t > -lastTime && t < lastTime) {
			return null
		}
		return f(t, text.Text())
	}, nil
}

func compileStrptime(c *spl.Compiler, call *spl.Call) (spl.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	return func(f *spl.Frame) vector.Value {
		text, format := evs[0](f), evs[1](f)
		if text.Len() != 1 || format.IsNull() {
			return null
		}
		t, err := spl.ParseTimeFormat(text.Text(), format.Text(), c.Clock())
		if err != nil {
			return null
		}
		return seconds(t)
	}, nil
}
