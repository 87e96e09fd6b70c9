package vector

import (
	"testing"

	"pgregory.net/rapid"
)

// TestGatherIsAddRow compares Gather with a Builder that takes the same rows.
func TestGatherIsAddRow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := rapid.SliceOfN(anyBatch(), 1, 5).Draw(t, "batches")
		var places []Place
		b := NewBuilder()
		for range rapid.IntRange(0, 60).Draw(t, "rows") {
			from := rapid.SampledFrom(batches).Draw(t, "from")
			if from.Len > 0 {
				row := rapid.IntRange(0, from.Len-1).Draw(t, "row")
				places = append(places, Place{from, int32(row)})
				b.AddRow(from, row)
			}
		}
		want, got := b.Batch(), Gather(places)
		if got.Len != want.Len || len(got.Cols) != len(want.Cols) {
			t.Fatalf("%d rows of %d columns, want %d of %d", got.Len, len(got.Cols), want.Len, len(want.Cols))
		}
		for n, c := range want.Cols {
			if got.Cols[n].Name != c.Name {
				t.Fatalf("column %d is %s, want %s", n, got.Cols[n].Name, c.Name)
			}
			for i := range want.Len {
				if have := told(got.Cols[n].At(i)); have != told(c.At(i)) {
					t.Fatalf("column %s, row %d: %s, want %s", c.Name, i, have, told(c.At(i)))
				}
			}
		}
	})
}
