package fn

import (
	"bluetrail/internal/spl/expr"
	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "nullif", "nullif(<a>, <b>)", "Null if the two are equal, otherwise the first.", 2, 2, func(a []vector.Value) vector.Value {
		if expr.Matches(a[0], a[1]) {
			return null
		}
		return a[0]
	}, `nullif("a", "b")`, `"a"`)
	gives(syntax.GivesEither, "nullif")
}
