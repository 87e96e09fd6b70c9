package fn

import (
	"slices"
	"strings"

	"bluetrail/internal/vector"
)

func init() {
	polled(multivalue, "mvsort", "mvsort(<value>)", "The values sorted by their bytes.", 1, 1, func(a []vector.Value, poll func()) (vector.Value, error) {
		list, compared := slices.Clone(a[0].All()), 0
		slices.SortFunc(list, func(a, b string) int {
			if compared++; compared%pollEvery == 0 {
				poll()
			}
			return strings.Compare(a, b)
		})
		return vector.Strings(list), nil
	}, `mvsort(split("c,B,a", ","))`, `["B","a","c"]`)
}
