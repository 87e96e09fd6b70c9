package fn

import (
	"time"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/splunktime"
	"bluetrail/internal/vector"
)

func init() {
	compiled(multivalue, "mvrange", "mvrange(<start>, <end> [, <step>])", "Numbers from start (inclusive) to end (exclusive). The step is a number or a span such as 7d. Returns at most 1,048,576 values; more give a warning.", 2, 3, compileMvrange, `mvrange(1, 7, 2)`, `["1","3","5"]`)
	checked(numbers(0, 1), "mvrange")
}

func compileMvrange(c *expr.Compiler, call *syntax.Call) (expr.Eval, error) {
	evs, err := c.All(call.Args)
	if err != nil {
		return nil, err
	}
	zone := c.Clock().Location()
	a := make([]vector.Value, len(evs))
	return func(f *expr.Frame) vector.Value {
		for i, ev := range evs {
			a[i] = ev(f)
		}
		list, left := mvrange(c, a, zone)
		if left {
			c.Warn("mvrange makes at most %d values; the others are left out", maxValues)
		}
		return list
	}, nil
}

// mvrange returns the values and whether the limit cut them off.
func mvrange(c *expr.Compiler, a []vector.Value, zone *time.Location) (v vector.Value, left bool) {
	from, ok1 := a[0].Num()
	to, ok2 := a[1].Num()
	step := 1.0
	next := func(t float64) float64 { return t + step }
	if len(a) == 3 {
		f, isNum := a[2].Num()
		if !isNum {
			span := "+" + a[2].Text()
			if _, err := splunktime.RelativeTime(span, splunktime.FromEpoch(0)); err != nil || a[2].IsNull() {
				return null, false
			}
			next = func(t float64) float64 {
				moved, err := splunktime.RelativeTime(span, splunktime.FromEpoch(t).In(zone))
				if err != nil {
					return t
				}
				return splunktime.Epoch(moved)
			}
		} else if step = f; step == 0 {
			return null, false
		}
	}
	if !ok1 || !ok2 || from != from || to != to {
		return null, false
	}
	var list []string
	for t := from; step > 0 && t < to || step < 0 && t > to; {
		if len(list) == maxValues {
			left = true
			break
		}
		if len(list)%4096 == 0 {
			c.Poll()
		}
		list = append(list, vector.FormatNumber(t))
		after := next(t)
		if after == t {
			break
		}
		t = after
	}
	return vector.Strings(list), left
}
