package fn

import (
	"bluetrail/internal/spl"
	"bluetrail/internal/vector"
)

func init() {
	function(conditional, "nullif", "nullif(<a>, <b>)", "Null when the two are equal, else the first.", 2, 2, func(a []vector.Value) vector.Value {
		if spl.Matches(a[0], a[1]) {
			return null
		}
		return a[0]
	}, `nullif("a", "b")`, `"a"`)
	gives(spl.GivesEither, "nullif")
}
