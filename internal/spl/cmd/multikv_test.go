package cmd

import (
	"strconv"
	"strings"
	"testing"

	"bluetrail/internal/vector"
)

// TestMultikvSpreads: a long table comes in batches of bounded size, in order,
// with the event behind it.
func TestMultikvSpreads(t *testing.T) {
	const n = 3*vector.DefaultRows + 5
	var text strings.Builder
	text.WriteString("id  user\n")
	for i := range n {
		text.WriteString(strconv.Itoa(i) + "  ann\n")
	}
	b := vector.NewBuilder("_raw")
	for _, raw := range []string{"no table", text.String(), "none either"} {
		b.Add()
		b.SetAt(0, vector.String(raw))
	}
	var ids, raws []string
	next := (&Multikv{KeepEvents: true}).Spread(b.Batch())
	for out := next(); out != nil; out = next() {
		if out.Len > vector.DefaultRows {
			t.Fatalf("a batch of %d rows", out.Len)
		}
		for i := range out.Len {
			ids, raws = append(ids, out.At("id", i).Text()), append(raws, out.At("_raw", i).Text())
		}
	}
	if len(ids) != n+3 || raws[0] != "no table" || raws[n+1] != text.String() || raws[n+2] != "none either" {
		t.Fatalf("%d rows", len(ids))
	}
	for i := range n {
		if ids[i+1] != strconv.Itoa(i) {
			t.Fatalf("row %d is %q", i+1, ids[i+1])
		}
	}
	if b := (&Multikv{}).Spread(b.Batch().Slice(0, 1))(); b == nil || b.Len != 0 {
		t.Error("events without a table must give an empty batch")
	}
}
