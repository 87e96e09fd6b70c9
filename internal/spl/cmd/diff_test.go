package cmd

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEdits checks on random texts that edits lead from one to the other, and
// that what is called the same is.
func TestEdits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	text := func() []string {
		lines := make([]string, rnd.IntN(12))
		for i := range lines {
			lines[i] = string(rune('a' + rnd.IntN(3)))
		}
		return lines
	}
	for range 2000 {
		a, b := text(), text()
		edits, exact := editsOf(a, b)
		at1, at2 := 0, 0
		for _, e := range edits {
			if e.from1 != at1 || e.from2 != at2 {
				t.Fatalf("%v %v: edits %v leave a gap", a, b, edits)
			}
			at1, at2 = e.to1, e.to2
			if e.same && !slices.Equal(a[e.from1:e.to1], b[e.from2:e.to2]) {
				t.Fatalf("%v %v: %v are not the same", a, b, e)
			}
		}
		if at1 != len(a) || at2 != len(b) || !exact {
			t.Fatalf("%v %v: edits %v end early", a, b, edits)
		}
		unified := 0
		for _, group := range grouped(edits) {
			unified += len(unifiedLines(group, a, b))
			contextLines(group, a, b)
		}
		if same := slices.Equal(a, b); same != (unified == 0) {
			t.Fatalf("%v %v: same %v, but %d lines", a, b, same, unified)
		}
	}
}
