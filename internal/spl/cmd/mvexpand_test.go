package cmd

import (
	"strconv"
	"testing"

	"bluetrail/internal/vector"
)

// TestMvexpandSpreads: many values of a row come in batches of bounded size, in
// order, with the rows around them.
func TestMvexpandSpreads(t *testing.T) {
	const n = 3*vector.DefaultRows + 5
	list := make([]string, n)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	b := vector.NewBuilder("k", "m")
	for k, m := range []vector.Value{vector.String("first"), vector.Strings(list), {}} {
		b.Add()
		b.SetAt(0, vector.Int(k))
		if !m.IsNull() {
			b.SetAt(1, m)
		}
	}
	var keys, vals []string
	next := (&Mvexpand{Field: "m"}).Spread(b.Batch())
	for out := next(); out != nil; out = next() {
		if out.Len > vector.DefaultRows {
			t.Fatalf("a batch of %d rows", out.Len)
		}
		for i := range out.Len {
			keys, vals = append(keys, out.At("k", i).Text()), append(vals, out.At("m", i).Text())
		}
	}
	if len(keys) != n+2 || keys[0] != "0" || vals[0] != "first" || keys[n+1] != "2" || vals[n+1] != "" {
		t.Fatalf("%d rows", len(keys))
	}
	for i := range n {
		if keys[i+1] != "1" || vals[i+1] != list[i] {
			t.Fatalf("row %d is %s %s", i+1, keys[i+1], vals[i+1])
		}
	}
}
