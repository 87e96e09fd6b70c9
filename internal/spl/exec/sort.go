package exec

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// Sort is slices.SortFunc that ends as Poll says.
func Sort[E any](env *Env, s []E, compare func(a, b E) int) {
	slices.SortFunc(s, polled(env, compare))
}

// SortStable is slices.SortStableFunc that ends as Poll says.
func SortStable[E any](env *Env, s []E, compare func(a, b E) int) {
	slices.SortStableFunc(s, polled(env, compare))
}

func polled[E any](env *Env, compare func(a, b E) int) func(a, b E) int {
	var every Every
	return func(a, b E) int {
		every.Poll(env, 64) // texts may be long
		return compare(a, b)
	}
}

type number interface{ ~int | ~float64 }

// sortPortion is how many numbers SortNumbers sorts between two looks.
const sortPortion = 1 << 15

// SortNumbers is slices.Sort that ends as Poll says. It is faster than Sort, which
// calls a function to compare: it parts s until its portions are small.
func SortNumbers[E number](env *Env, s []E) {
	for parts := 0; len(s) > sortPortion; parts++ {
		if parts == 32 { // the pivots are bad
			Sort(env, s, cmp.Compare[E])
			return
		}
		less, more := split(env, s)
		if len(less) > len(more) {
			less, more = more, less
		}
		SortNumbers(env, less)
		s = more
	}
	env.Poll()
	slices.Sort(s)
}

// split parts s into values below and above one of them; those between the two
// results are equal to it.
func split[E number](env *Env, s []E) (less, more []E) {
	var some [9]E
	for i := range some {
		some[i] = s[i*(len(s)-1)/(len(some)-1)]
	}
	slices.Sort(some[:])
	pivot := some[len(some)/2]
	var every Every
	low, high := 0, len(s) // s[:low] is less, s[low:i] equal, s[high:] more
	for i := 0; i < high; {
		every.Poll(env, 4096)
		switch {
		case cmp.Less(s[i], pivot):
			s[low], s[i] = s[i], s[low]
			low++
			i++
		case cmp.Less(pivot, s[i]):
			high--
			s[high], s[i] = s[i], s[high]
		default:
			i++
		}
	}
	return s[:low], s[high:]
}

// SortedKeys returns the keys of m in order; it ends as Poll says.
func SortedKeys[V any](env *Env, m map[string]V) []string {
	keys := make([]string, 0, len(m))
	var every Every
	for k := range m {
		every.Poll(env, 1024)
		keys = append(keys, k)
	}
	Sort(env, keys, strings.Compare)
	return keys
}

// SortFunc is slices.SortFunc, until the search is cancelled: the order is any
// then, and the cause is returned.
func SortFunc[E any](ctx context.Context, s []E, compare func(a, b E) int) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Stopped:
			err = r.Cause
		default:
			panic(r)
		}
	}()
	p := NewPulse(ctx)
	slices.SortFunc(s, func(a, b E) int {
		if err := p.Err(); err != nil {
			panic(&Stopped{err})
		}
		return compare(a, b)
	})
	return nil
}
