package filter_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"bluetrail/internal/filter"
)

// TestReplace compares Replace with one replacement after the other by the methods
// that copy the set.
func TestReplace(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	name := func() string { return string(rune('a'+random.IntN(4))) + string(rune('a'+random.IntN(4))) }
	replaced := 0
	for range 2000 {
		set := filter.Fields()
		if random.IntN(3) == 0 {
			set = filter.AllFields()
		}
		for range random.IntN(4) {
			set = set.Add(name())
		}
		if random.IntN(4) == 0 {
			set = set.Add(name()[:1] + "*")
		}
		var list []filter.Replacement
		want := set
		for range random.IntN(6) {
			r := filter.Replacement{Name: name(), With: name()}
			if list = append(list, r); want.Has(r.Name) {
				want = want.Without(r.Name).Add(r.With)
				replaced++
			}
		}
		got := set.Replace(list)
		if got.All() != want.All() || !slices.Equal(got.Named(), want.Named()) || !slices.Equal(got.Names(), want.Names()) {
			t.Fatalf("%v with %v: %v, want %v", set, list, got, want)
		}
	}
	if replaced == 0 {
		t.Error("nothing was replaced")
	}
}
