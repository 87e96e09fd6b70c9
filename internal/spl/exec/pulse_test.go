package exec

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
)

func TestSortFunc(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	list := make([]int, 100_000)
	for i := range list {
		list[i] = i * 7919 % len(list)
	}
	if err := SortFunc(ctx, list, cmp.Compare); err != nil || !slices.IsSorted(list) {
		t.Errorf("sorted %t, %v", slices.IsSorted(list), err)
	}
	told := errors.New("told")
	compared := 0
	err := SortFunc(ctx, list, func(a, b int) int {
		if compared++; compared == 5000 {
			cancel(told)
		}
		return cmp.Compare(b, a)
	})
	if !errors.Is(err, told) || compared > 5000+1024 {
		t.Errorf("%d comparisons, %v", compared, err)
	}
	func() {
		defer func() {
			if r := recover(); r != "own" {
				t.Errorf("recovered %v, want the panic of the comparison", r)
			}
		}()
		SortFunc(t.Context(), []int{2, 1}, func(a, b int) int { panic("own") })
	}()
}

// The kinds of order on which quicksort is slow are sorted, too.
func TestSortNumbers(t *testing.T) {
	const n = 5 * sortPortion
	for name, value := range map[string]func(i int) float64{
		"rising": func(i int) float64 { return float64(i) }, "falling": func(i int) float64 { return float64(-i) }, "equal": func(int) float64 { return 1 },
		"two values": func(i int) float64 { return float64(i % 2) }, "organ pipe": func(i int) float64 { return float64(min(i, n-i)) },
		"mixed": func(i int) float64 { return float64(i * 7919 % n) }, "first pivots least": func(i int) float64 { return float64(i % (n / 8)) },
	} {
		list := make([]float64, n)
		for i := range list {
			list[i] = value(i)
		}
		want := slices.Sorted(slices.Values(list))
		if SortNumbers(nil, list); !slices.Equal(list, want) {
			t.Errorf("%s: not sorted", name)
		}
	}
}

// Every way to sort ends when the search is cancelled.
func TestSortsEnd(t *testing.T) {
	names := map[string]bool{}
	for i := range 100_000 {
		names[strconv.Itoa(i)] = true
	}
	for name, sort := range map[string]func(env *Env){
		"Sort":        func(env *Env) { Sort(env, make([]int, 100_000), cmp.Compare) },
		"SortStable":  func(env *Env) { SortStable(env, make([]int, 100_000), cmp.Compare) },
		"SortNumbers": func(env *Env) { SortNumbers(env, make([]float64, 100_000)) },
		"SortedKeys":  func(env *Env) { SortedKeys(env, names) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		env := &Env{}
		env.RunBy(ctx)
		sort(env)
		cancel()
		func() {
			defer func() {
				if _, ended := recover().(*Stopped); !ended {
					t.Errorf("%s does not end", name)
				}
			}()
			sort(env)
		}()
	}
}
