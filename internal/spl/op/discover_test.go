package op

import (
	"strconv"
	"testing"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/vector"
)

// TestDiscoverIsBounded: rows that all have other fields come in batches of few
// cells, with what they hold.
func TestDiscoverIsBounded(t *testing.T) {
	const rows, names = 300, 200
	in := vector.NewBuilder("k", "f0_0")
	for i := range rows {
		in.Add()
		in.SetAt(0, vector.Int(i))
		in.SetAt(1, vector.String("old"))
	}
	d := Discover{func(b *vector.Batch) func(int, func(name, value string)) {
		return func(row int, add func(name, value string)) {
			i := b.At("k", row).Text()
			for n := range names {
				add("f"+i+"_"+strconv.Itoa(n), i)
			}
		}
	}}
	var m exec.Spreading = d
	next := m.Spread(in.Batch())
	seen := 0
	for b := next(); b != nil; b = next() {
		if b.Len > 1 && b.Len*len(b.Cols) > maxCells+b.Len*(names+2) {
			t.Fatalf("a batch of %d rows and %d columns", b.Len, len(b.Cols))
		}
		for i := range b.Len {
			k := strconv.Itoa(seen)
			first := "old"
			if seen == 0 {
				first = "0"
			}
			if b.At("k", i).Text() != k || b.At("f"+k+"_7", i).Text() != k || b.At("f0_0", i).Text() != first {
				t.Fatalf("row %d is %q %q %q", seen, b.At("k", i).Text(), b.At("f"+k+"_7", i).Text(), b.At("f0_0", i).Text())
			}
			seen++
		}
	}
	if seen != rows {
		t.Errorf("%d rows, want %d", seen, rows)
	}
}
