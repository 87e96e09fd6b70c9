package fn

import (
	"slices"
	"strings"

	"bluetrail/internal/diag"
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// maxValues bounds the lists that functions make.
const maxValues = 1 << 20

func keep(v vector.Value, poll func(), test func(string) bool) vector.Value {
	var list []string
	for i, s := range v.All() {
		if i%pollEvery == pollEvery-1 {
			poll()
		}
		if test(s) {
			list = append(list, s)
		}
	}
	return vector.Strings(list)
}

// onlyField returns the one field an expression reads.
func onlyField(call *syntax.Call, e syntax.Expr) (string, error) {
	names := expr.ExprFields(e)
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) != 1 {
		if len(names) == 0 {
			return "", nil
		}
		return "", diag.At(call.Span, "%s may use one field only, not %s", call.Def.Name, strings.Join(names, " and "))
	}
	return names[0], nil
}
