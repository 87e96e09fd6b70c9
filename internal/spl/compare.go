package spl

import (
	"cmp"
	"slices"
	"strings"

	"bluetrail/internal/vector"
)

// and is three-valued: false wins over null.
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

// or is three-valued: true wins over null.
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

// outcome is the set of results of a comparison that make an operator true.
type outcome uint8

// The results that a set may have.
const (
	less outcome = 1 << iota
	equal
	greater
)

// outcomes are the comparison operators.
var outcomes = map[string]outcome{
	"=": equal, "!=": less | greater, "<": less, "<=": less | equal, ">": greater, ">=": greater | equal,
}

// has takes a result below, equal to or above 0.
func (o outcome) has(n int) bool { return o>>(n+1)&1 != 0 }

// compareWith compares with what is written in the search, the usual case.
func (c *Compiler) compareWith(e Expr, l Eval, lit vector.Value, pass outcome) Eval {
	num, isNum := lit.Num()
	text := lit.Text()
	leaf := c.leaf(e)
	return func(f *Frame) vector.Value {
		if isNum && leaf != nil {
			if x, ok := leaf(f); ok {
				return vector.Truth(pass.has(compareNumbers(x, num)))
			}
		}
		a := l(f)
		switch a.Kind() {
		case vector.Null:
			return a
		case vector.List:
			return anyPair(&a, &lit, pass)
		case vector.Bool:
			return vector.Truth(pass.has(CompareValues(a, lit)))
		}
		if isNum {
			if x, ok := a.Num(); ok {
				return vector.Truth(pass.has(compareNumbers(x, num)))
			}
		}
		return vector.Truth(pass.has(strings.Compare(a.Text(), text)))
	}
}

// Matches reports whether a = b holds in the sense of eval: any value of one
// against any of the other, numbers as numbers, case counts.
func Matches(a, b vector.Value) bool { return anyPair(&a, &b, equal).True() }

// anyPair compares as eval does: null when a side is missing, true when any
// value of a list passes.
func anyPair(a, b *vector.Value, pass outcome) vector.Value {
	switch {
	case a.IsNull() || b.IsNull():
		return vector.Value{}
	case a.Kind() != vector.List && b.Kind() != vector.List:
		return vector.Truth(pass.has(CompareValues(*a, *b)))
	}
	if a.Len()*b.Len() > 64 {
		return vector.Truth(anyOfLists(a.All(), b.All(), pass))
	}
	for i := range a.Len() {
		x := vector.String(a.At(i))
		for j := range b.Len() {
			if pass.has(CompareValues(x, vector.String(b.At(j)))) {
				return vector.Truth(true)
			}
		}
	}
	return vector.Truth(false)
}

// ranked is a list for comparison with another: numbers are compared with
// numbers, all other pairs as text, so that extremes decide about every pair.
type ranked struct {
	nums         []float64
	words, texts []string // those that are no numbers; all
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

// anyOfLists is anyPair in the time that the lists together take, not their
// product.
func anyOfLists(a, b []string, pass outcome) bool {
	x, y := rank(a), rank(b)
	return pass&less != 0 && below(x, y) || pass&greater != 0 && below(y, x) || pass&equal != 0 && x.meets(y)
}

// below reports whether some value of x comes before some value of y.
func below(x, y ranked) bool {
	return someBelow(x.nums, y.nums) || someBelow(x.words, y.texts) || someBelow(x.texts, y.words)
}

func someBelow[T cmp.Ordered](x, y []T) bool {
	return len(x) > 0 && len(y) > 0 && slices.Min(x) < slices.Max(y)
}

// meets reports whether the lists have a value in common.
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

// CompareValues orders two single values: as numbers when both are, else by
// the bytes of their text. NaN equals only itself and comes first. The outcome
// of a test also equals the number and the word for it, as in isnull(x)=1.
func CompareValues(a, b vector.Value) int {
	if (a.Kind() == vector.Bool) != (b.Kind() == vector.Bool) {
		x, okx := truthNumber(a)
		if y, oky := truthNumber(b); okx && oky {
			return compareNumbers(x, y)
		}
	}
	if x, ok := a.Num(); ok {
		if y, ok := b.Num(); ok {
			return compareNumbers(x, y)
		}
	}
	return strings.Compare(a.Text(), b.Text())
}

// truthNumber returns 1 for what is true, 0 for what is false.
func truthNumber(v vector.Value) (float64, bool) {
	switch text := v.Text(); {
	case v.True(), strings.EqualFold(text, "true"):
		return 1, true
	case v.Kind() == vector.Bool, strings.EqualFold(text, "false"):
		return 0, true
	}
	return v.Num()
}

// compareNumbers orders two numbers; NaN equals itself and comes first.
func compareNumbers(x, y float64) int {
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

func (c *Compiler) like(e *Binary, l, r Eval) (Eval, error) {
	if lit, ok := e.R.(*Literal); ok {
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

// AnyOf is true when test holds for any value of v, null for null.
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

// among is x IN (…). When the list is written out, its texts are in a set.
func (c *Compiler) among(e *Among) (Eval, error) {
	x, err := c.Compile(e.X)
	if err != nil {
		return nil, err
	}
	return c.AmongEval(x, e.List)
}

// AmongEval tests whether a value equals one of the list, as IN and in() do.
func (c *Compiler) AmongEval(x Eval, list []Expr) (Eval, error) {
	set := make(map[string]bool, len(list))
	var others []Expr // what must be compared one by one
	for _, e := range list {
		lit, ok := e.(*Literal)
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
			if found := anyPair(&v, &b, equal); found.True() {
				return found
			}
		}
		return vector.Truth(false)
	}, nil
}
