package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

func init() {
	compiled(dateTime, "strptime", "strptime(<text>, <format>)", "The time that a text represents, in seconds since 1970; null if it does not match the format. The variables are those of strftime. Without a time zone, the user's is used; without a date, today. Text after the end of the format is ignored.", 2, 2, compileStrptime, `strptime("2022-12-15 17:42:02", "%Y-%m-%d %H:%M:%S")`, `"1671126122.000000"`)
}

func compileStrptime(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	return func(f *expr.Frame) vector.Value {
		text, format := evs[0](f), evs[1](f)
		if text.Len() != 1 || format.IsNull() {
			return null
		}
		t, err := splunktime.ParseTimeFormat(text.Text(), format.Text(), c.Clock())
		if err != nil {
			return null
		}
		return seconds(t)
	}, nil
}
