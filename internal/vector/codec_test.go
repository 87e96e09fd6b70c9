package vector

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func anyValue() *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		switch rapid.IntRange(0, 6).Draw(t, "kind") {
		case 0:
			return Value{}
		case 1:
			return String(rapid.String().Draw(t, "text"))
		case 2:
			return Float(rapid.Float64().Draw(t, "number"))
		case 3:
			return Formatted(rapid.Float64().Draw(t, "number"), rapid.String().Draw(t, "shown"))
		case 4:
			return Literal(1.5, rapid.IntRange(0, 255).Draw(t, "digits"))
		case 5:
			return Truth(rapid.Bool().Draw(t, "test"))
		}
		return Strings(rapid.SliceOfN(rapid.String(), 2, 5).Draw(t, "list")).WithDelim(rapid.StringN(0, 2, -1).Draw(t, "delim"))
	})
}

// told is everything a value holds.
func told(v Value) string {
	return fmt.Sprint(v.kind, v.sig, math.Float64bits(v.num), v.size, v.All(), v.Joined())
}

// anyBatch generates batches with columns of all forms; some column names occur
// in several batches.
func anyBatch() *rapid.Generator[*Batch] {
	return rapid.Custom(func(t *rapid.T) *Batch {
		b := &Batch{Len: rapid.IntRange(0, 20).Draw(t, "rows")}
		first := rapid.IntRange(0, 3).Draw(t, "first")
		for i := range rapid.IntRange(0, 4).Draw(t, "columns") {
			name := fmt.Sprint("c", first+i)
			vals := rapid.SliceOfN(anyValue(), max(b.Len, 1), 40).Draw(t, name)
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 0:
				b.Cols = append(b.Cols, NewColumn(name, vals))
			case 1:
				b.Cols = append(b.Cols, Constant(name, vals[0]))
			case 2:
				codes := rapid.SliceOfN(rapid.Int32Range(0, int32(len(vals)-1)), b.Len, b.Len).Draw(t, "codes")
				b.Cols = append(b.Cols, Coded(name, vals, codes))
			}
		}
		return b
	})
}

func TestBatchesAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := anyBatch().Draw(t, "batch")
		data := b.AppendTo(nil)
		got, rest, err := Decode(append(data, "behind"...))
		if err != nil || string(rest) != "behind" || got.Len != b.Len || len(got.Cols) != len(b.Cols) {
			t.Fatalf("read %v, %q, %v", got, rest, err)
		}
		for n, c := range b.Cols {
			for i := range b.Len {
				if want, have := told(c.At(i)), told(got.Cols[n].At(i)); got.Cols[n].Name != c.Name || want != have {
					t.Fatalf("column %s, row %d: %s, want %s", c.Name, i, have, want)
				}
			}
		}
		// Damage gives an error or other values, never a panic.
		if cut := rapid.IntRange(0, len(data)).Draw(t, "cut"); cut < len(data) {
			if b, rest, err := Decode(data[:cut]); err == nil {
				t.Fatalf("read %v, %q of a part", b, rest)
			}
			data[cut] ^= byte(rapid.IntRange(1, 255).Draw(t, "flip"))
			Decode(data)
		}
	})
}
