package expr

import (
	"cmp"
	"slices"
	"strings"

	"bluetrail/internal/spl/syntax"
	"bluetrail/internal/vector"
)

// and is a three-valued AND: false wins over null.
func and(l, r Eval) Eval {
	return func(f *Frame) vector.Value {
		a := l(f)
		missing := a.IsNull()
		if !missing && !a.True() {
			return vector.Truth(false)
		}
		b := r(f)
		switch {
		case b.IsNull():
			return b
		case !b.True():
			return vector.Truth(false)
		case missing:
			return vector.Value{}
		}
		return vector.Truth(true)
	}
}

// or is a three-valued OR: true wins over null.
func or(l, r Eval) Eval {
	return func(f *Frame) vector.Value {
		a := l(f)
		if a.True() {
			return vector.Truth(true)
		}
		missing := a.IsNull()
		b := r(f)
		switch {
		case b.True():
			return vector.Truth(true)
		case missing || b.IsNull():
			return vector.Value{}
		}
		return vector.Truth(false)
	}
}

// compareWith compares with a literal, the usual case.
func (c *Compiler) compareWith(e syntax.Expr, l Eval, lit vector.Value, pass vector.Relation) Eval {
	num, isNum := lit.Num()
	text := lit.Text()
	leaf := c.leaf(e)
	return func(f *Frame) vector.Value {
		if isNum && leaf != nil {
			if x, ok := leaf(f); ok {
				return vector.Truth(pass.Has(vector.CompareFloats(x, num)))
			}
		}
		a := l(f)
		switch a.Kind() {
		case vector.Null:
			return a
		case vector.List:
			return anyPair(&a, &lit, pass)
		case vector.Bool:
			return vector.Truth(pass.Has(vector.CompareValues(a, lit)))
		}
		if isNum {
			if x, ok := a.Num(); ok {
				return vector.Truth(pass.Has(vector.CompareFloats(x, num)))
			}
		}
		return vector.Truth(pass.Has(strings.Compare(a.Text(), text)))
	}
}

// Matches reports whether a = b as in eval: any value of one against any of the
// other, numbers as numbers, case-sensitive.
func Matches(a, b vector.Value) bool { return anyPair(&a, &b, vector.EqualTo).True() }

// anyPair compares as in eval: the result is null if a side is missing, and
// true if any value of a list passes.
func anyPair(a, b *vector.Value, pass vector.Relation) vector.Value {
	switch {
	case a.IsNull() || b.IsNull():
		return vector.Value{}
	case a.Kind() != vector.List && b.Kind() != vector.List:
		return vector.Truth(pass.Has(vector.CompareValues(*a, *b)))
	}
	if a.Len()*b.Len() > 64 {
		return vector.Truth(anyOfLists(a.All(), b.All(), pass))
	}
	for i := range a.Len() {
		x := vector.String(a.At(i))
		for j := range b.Len() {
			if pass.Has(vector.CompareValues(x, vector.String(b.At(j)))) {
				return vector.Truth(true)
			}
		}
	}
	return vector.Truth(false)
}

// ranked prepares a list for comparison with another. Numbers compare as
// numbers and all other pairs as text, so the minimum and maximum decide for
// all pairs.
type ranked struct {
	nums         []float64
	words, texts []string // texts that are not numbers; all texts
}

func rank(list []string) ranked {
	r := ranked{texts: list}
	for _, s := range list {
		if f, ok := vector.ParseNumber(s); ok {
			r.nums = append(r.nums, f)
		} else {
			r.words = append(r.words, s)
		}
	}
	return r
}

// anyOfLists is anyPair in time linear in the sum of the list lengths rather
// than their product.
func anyOfLists(a, b []string, pass vector.Relation) bool {
	x, y := rank(a), rank(b)
	return pass&vector.LessThan != 0 && below(x, y) || pass&vector.GreaterThan != 0 && below(y, x) || pass&vector.EqualTo != 0 && x.meets(y)
}

// below reports whether any value of x sorts before any value of y.
func below(x, y ranked) bool {
	return someBelow(x.nums, y.nums) || someBelow(x.words, y.texts) || someBelow(x.texts, y.words)
}

func someBelow[T cmp.Ordered](x, y []T) bool {
	return len(x) > 0 && len(y) > 0 && slices.Min(x) < slices.Max(y)
}

// meets reports whether the lists have a common value.
func (r ranked) meets(o ranked) bool {
	nums, words := make(map[float64]bool, len(r.nums)), make(map[string]bool, len(r.words))
	for _, f := range r.nums {
		nums[f] = true
	}
	for _, s := range r.words {
		words[s] = true
	}
	return slices.ContainsFunc(o.nums, func(f float64) bool { return nums[f] }) ||
		slices.ContainsFunc(o.words, func(s string) bool { return words[s] })
}

func (c *Compiler) like(e *syntax.Binary, l, r Eval) (Eval, error) {
	if lit, ok := e.R.(*syntax.Literal); ok {
		fits := LikePattern(lit.Value.Text())
		return func(f *Frame) vector.Value { return AnyOf(l(f), fits) }, nil
	}
	return func(f *Frame) vector.Value {
		pattern := r(f)
		if pattern.IsNull() {
			return pattern
		}
		return AnyOf(l(f), LikePattern(pattern.Text()))
	}, nil
}

// AnyOf returns whether test holds for any value of v, and null for null.
func AnyOf(v vector.Value, test func(string) bool) vector.Value {
	switch v.Kind() {
	case vector.Null:
		return v
	case vector.List:
		for _, s := range v.All() {
			if test(s) {
				return vector.Truth(true)
			}
		}
		return vector.Truth(false)
	}
	return vector.Truth(test(v.Text()))
}

// among compiles x IN (…). The literal texts of the list form a set.
func (c *Compiler) among(e *syntax.Among) (Eval, error) {
	x, err := c.Compile(e.X)
	if err != nil {
		return nil, err
	}
	return c.AmongEval(x, e.List)
}

// AmongEval tests whether a value equals an element of the list, as IN and in()
// do.
func (c *Compiler) AmongEval(x Eval, list []syntax.Expr) (Eval, error) {
	set := make(map[string]bool, len(list))
	var others []syntax.Expr // elements to compare one by one
	for _, e := range list {
		lit, ok := e.(*syntax.Literal)
		if ok {
			if _, isNum := lit.Value.Num(); !isNum {
				set[lit.Value.Text()] = true
				continue
			}
		}
		others = append(others, e)
	}
	rest, err := c.All(others)
	if err != nil {
		return nil, err
	}
	inSet := func(s string) bool { return set[s] }
	return func(f *Frame) vector.Value {
		v := x(f)
		if v.IsNull() {
			return v
		}
		if len(set) > 0 {
			if found := AnyOf(v, inSet); found.True() {
				return found
			}
		}
		for _, ev := range rest {
			b := ev(f)
			if found := anyPair(&v, &b, vector.EqualTo); found.True() {
				return found
			}
		}
		return vector.Truth(false)
	}, nil
}
