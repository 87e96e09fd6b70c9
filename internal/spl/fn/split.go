package fn

import (
	"strings"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/vector"
)

func init() {
	polled(multivalue, "split", "split(<text>, <delimiter>)", "The parts of a text between delimiters; an empty delimiter splits it into characters.", 2, 2, split, `split("a,b,c", ",")`, `["a","b","c"]`)
}

func split(a []vector.Value, poll func()) (vector.Value, error) {
	if a[0].IsNull() || a[1].IsNull() {
		return null, nil
	}
	delim, parts := a[1].Text(), 0
	for _, s := range a[0].All() {
		poll()
		parts += strings.Count(s, delim) + 1
	}
	if parts > maxValues+1 { // the end of a text counts as an empty delimiter, too
		return null, expr.ErrTooLarge
	}
	var list []string
	for _, s := range a[0].All() {
		poll()
		list = append(list, strings.Split(s, delim)...)
	}
	return vector.Strings(list), nil
}
