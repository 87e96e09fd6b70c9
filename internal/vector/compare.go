package vector

import "strings"

// Relation is the set of results of a comparison that make an operator true.
type Relation uint8

// The results that a set may have.
const (
	LessThan Relation = 1 << iota
	EqualTo
	GreaterThan
)

// Relations are the comparison operators.
var Relations = map[string]Relation{
	"=": EqualTo, "!=": LessThan | GreaterThan, "<": LessThan, "<=": LessThan | EqualTo, ">": GreaterThan, ">=": GreaterThan | EqualTo,
}

// Has takes a result below, equal to or above 0.
func (o Relation) Has(n int) bool { return o>>(n+1)&1 != 0 }

// CompareValues orders two single values: as numbers when both are, else by
// the bytes of their text. NaN equals only itself and comes first. The outcome
// of a test also equals the number and the word for it, as in isnull(x)=1.
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

// truthNumber returns 1 for what is true, 0 for what is false.
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
