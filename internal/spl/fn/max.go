package fn

import (
	"bluetrail/internal/vector"
)

func init() {
	function(statistical, "max", "max(<value>, …)", "The largest value; any text is larger than any number.", 1, -1, func(a []vector.Value) vector.Value { return extreme(a, 1) }, `max(1, 7, "foo")`, `"foo"`)
	function(statistical, "min", "min(<value>, …)", "The smallest value; any number is smaller than any text.", 1, -1, func(a []vector.Value) vector.Value { return extreme(a, -1) }, `min(3, 1, "foo")`, `"1"`)
}

// extreme returns the maximum for sign 1 and the minimum for sign -1.
func extreme(a []vector.Value, sign int) vector.Value {
	best := null
	for _, v := range a {
		for i := range v.Len() {
			one := v
			if v.Kind() == vector.List {
				one = vector.String(v.At(i))
			}
			if best.IsNull() || sign*mixed(one, best) > 0 {
				best = one
			}
		}
	}
	return best
}

// mixed compares values and orders numbers before text.
func mixed(a, b vector.Value) int {
	x, okx := a.Num()
	y, oky := b.Num()
	switch {
	case okx && oky && x < y, okx && !oky:
		return -1
	case okx && oky && x > y, !okx && oky:
		return 1
	case okx && oky:
		return 0
	case a.Text() < b.Text():
		return -1
	case a.Text() > b.Text():
		return 1
	}
	return 0
}
