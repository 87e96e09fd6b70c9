package fn

import (
	"math"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

func init() {
	compiled(dateTime, "strftime", "strftime(<time>, <format>)", timeDoc, 2, 2, compileStrftime, `strftime(1700000000, "%Y-%m-%dT%H:%M:%S")`, `"2023-11-14T22:13:20"`)
	checked(numbers(0), "strftime")
}

const timeDoc = `Formats a time as text. The variables are

- for dates: %Y %y %C %m %b %B %d %e %j %a %A %w %u %F (2023-11-14) %D %x (11/14/23) %v; for weeks: %U %W, and %V %G %g as in ISO 8601
- for times: %H %k %I %l %M %S %p %P %T %X (22:13:20) %R (22:13) %r; for fractions of a second: %N %3N %6N %9N %Q %3Q %6Q %f
- for time zones: %z (+0100) %:z (+01:00) %::z %:::z %Ez (minutes) %Z (its name)
- others: %s (seconds since 1970) %c %+ %% %n %t

%-d omits leading zeros or spaces, %_d pads with spaces, %0e with zeros, %^a uses capitals. Everything else is copied as is.`

func compileStrftime(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	zone := c.Clock().Location()
	show := func(f float64, format string) vector.Value {
		return vector.String(splunktime.FormatTime(splunktime.FromEpoch(f).In(zone), format))
	}
	if lit, ok := call.Args[1].(*syntax.Literal); ok { // consecutive events often share the day or hour
		if grain := splunktime.TimeGrain(lit.Value.Text()); grain > 0 {
			at, last := math.NaN(), null
			return timeFunction(c, call, func(f float64, format string) vector.Value {
				f = splunktime.Epoch(splunktime.FromEpoch(f))
				if span := math.Floor(f / grain); span != at {
					at, last = span, show(f, format)
				}
				return last
			})
		}
	}
	return timeFunction(c, call, show)
}
