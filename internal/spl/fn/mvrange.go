package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	function(multivalue, "mvrange", "mvrange(<start>, <end> [, <step>])", "Numbers from start up to, not including, end. The step is a number, or a span such as 7d. At most 1,048,576 values.", 2, 3, mvrange, `mvrange(1, 7, 2)`, `["1","3","5"]`)
}

func mvrange(a []vector.Value) vector.Value {
	from, ok1 := a[0].Num()
	to, ok2 := a[1].Num()
	step := 1.0
	next := func(t float64) float64 { return t + step }
	if len(a) == 3 {
		f, isNum := a[2].Num()
		if !isNum {
			span := "+" + a[2].Text()
			if _, err := spl.RelativeTime(span, spl.FromEpoch(0)); err != nil || a[2].IsNull() {
				return null
			}
			next = func(t float64) float64 {
				moved, err := spl.RelativeTime(span, spl.FromEpoch(t))
				if err != nil {
					return t
				}
				return spl.Epoch(moved)
			}
		} else if step = f; step == 0 {
			return null
		}
	}
	if !ok1 || !ok2 || from != from || to != to {
		return null
	}
	var list []string
	for t := from; len(list) < maxValues && (step > 0 && t < to || step < 0 && t > to); {
		list = append(list, vector.FormatNumber(t))
		after := next(t)
		if after == t {
			break
		}
		t = after
	}
	return vector.Strings(list)
}
