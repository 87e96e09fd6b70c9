package fn

import (
	"strings"

	"bluetrail/internal/spl/expr"
	"bluetrail/internal/vector"
)

func init() {
	bounded(multivalue, "mvjoin", "mvjoin(<value>, <delimiter>)", "The values joined into one text.", 2, 2, func(a []vector.Value) (vector.Value, error) {
		if a[0].IsNull() || a[1].IsNull() {
			return null, nil
		}
		delim := a[1].Text()
		if a[0].Len()*len(delim)+a[0].Size() > 2*expr.MaxValue {
			return null, expr.ErrTooLarge
		}
		return vector.String(strings.Join(a[0].All(), delim)), nil
	}, `mvjoin(split("a,b", ","), "/")`, `"a/b"`)
}
