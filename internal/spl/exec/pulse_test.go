package exec

import (
	"cmp"
	"context"
	"errors"
	"slices"
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
