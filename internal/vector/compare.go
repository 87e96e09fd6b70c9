package vector

import "strings"

// Relation is the set of comparison results for which an operator is true.
type Relation uint8

// The possible results.
const (
	LessThan Relation = 1 << iota
	EqualTo
	GreaterThan
)

// Relations are the comparison operators.
var Relations = map[string]Relation{
	"=": EqualTo, "!=": LessThan | GreaterThan, "<": LessThan, "<=": LessThan | EqualTo, ">": GreaterThan, ">=": GreaterThan | EqualTo,
}

// Has reports whether the set contains a result below, equal to or above 0.
func (o Relation) Has(n int) bool { return o>>(n+1)&1 != 0 }

// CompareValues orders two single values: numerically if both are numbers,
// otherwise by the bytes of their text. NaN equals only itself and comes first.
// A boolean also equals its number and its word, as in isnull(x)=1.
func CompareValues(a, b Value) int {
	if (a.Kind() == Bool) != (b.Kind() == Bool) {
		x, okx := truthNumber(a)
		if y, oky := truthNumber(b); okx && oky {
			return CompareFloats(x, y)
		}
	}
	if x, ok := a.Num(); ok {
		if y, ok := b.Num(); ok {
			return CompareFloats(x, y)
		}
	}
	return strings.Compare(a.Text(), b.Text())
}

// truthNumber returns 1 for true, 0 for false.
func truthNumber(v Value) (float64, bool) {
	switch text := v.Text(); {
	case v.True(), strings.EqualFold(text, "true"):
		return 1, true
	case v.Kind() == Bool, strings.EqualFold(text, "false"):
		return 0, true
	}
	return v.Num()
}

// CompareFloats orders two numbers; NaN equals itself and comes first.
func CompareFloats(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	case x == y, x != x && y != y:
		return 0
	case x != x:
		return -1
	}
	return 1
}
