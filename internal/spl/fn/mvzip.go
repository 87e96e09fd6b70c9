package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/vector"
)

func init() {
	polled(multivalue, "mvzip", "mvzip(<a>, <b> [, <delimiter>])", "The values of two lists joined pair by pair.", 2, 3, mvzip, `mvzip(split("a,b", ","), split("1,2", ","))`, `["a,1","b,2"]`)
}

func mvzip(a []vector.Value, poll func()) (vector.Value, error) {
	delim := ","
	if len(a) == 3 {
		delim = a[2].Text()
	}
	n := min(a[0].Len(), a[1].Len())
	if n*len(delim) > expr.MaxList {
		return null, expr.ErrTooLarge
	}
	list := make([]string, n)
	for i := range list {
		if i%pollEvery == 0 {
			poll()
		}
		list[i] = a[0].At(i) + delim + a[1].At(i)
	}
	return vector.Strings(list), nil
}
