package spill

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"bluetrail/internal/vector"
)

type row struct {
	key float64
	was int
}

// byKey orders rows by k.
var byKey = Order[float64]{
	Keys: func(b *vector.Batch) []float64 {
		keys := make([]float64, b.Len)
		b.Col("k").Nums(keys)
		return keys
	},
	Compare: func(a, b *float64) int { return cmp.Compare(*a, *b) },
}

func batchOf(rows []row) *vector.Batch {
	b := vector.NewBuilder()
	for _, r := range rows {
		b.Add()
		b.Set("k", vector.Float(r.key))
		b.Set("was", vector.Int(r.was))
		b.Set("text", vector.String(fmt.Sprint("row ", r.was)))
	}
	return b.Batch()
}

func TestMergedRowsAreInOrder(t *testing.T) {
	ctx := context.Background()
	for _, runs := range []int{0, 1, 3, most, most + 1, 2*most + 5} {
		dir := t.TempDir()
		space := NewSpace(dir, 1<<30)
		rs := &Runs[float64]{Order: byKey, Space: space}
		rnd := rand.New(rand.NewPCG(1, uint64(runs)))
		var want []row
		for range runs {
			var rows []row
			for range rnd.IntN(3000) {
				rows = append(rows, row{key: float64(rnd.IntN(500))})
			}
			slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.key, b.key) })
			for i := range rows {
				rows[i].was = len(want) + i
			}
			want = append(want, rows...)
			err := rs.Add(ctx, func(f *File) error {
				b := batchOf(rows)
				for i := range b.Len {
					if err := f.Add(b, i); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		slices.SortStableFunc(want, func(a, b row) int { return cmp.Compare(a.key, b.key) })
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("files have names: %v", left)
		}
		m, err := rs.Merge(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got []row
		for {
			b, err := m.Next(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Len {
				k, _ := b.Col("k").Num(i)
				was, _ := b.Col("was").Num(i)
				if text := b.Col("text").At(i).Text(); text != fmt.Sprint("row ", int(was)) {
					t.Fatalf("text %q of row %v", text, was)
				}
				got = append(got, row{k, int(was)})
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d runs: %d rows, want %d in order", runs, len(got), len(want))
		}
		if used := space.Used(); used != 0 {
			t.Errorf("%d runs: %d bytes are still taken", runs, used)
		}
	}
}

func TestSpaceIsBounded(t *testing.T) {
	space := NewSpace(t.TempDir(), 200<<10)
	f, err := space.Create()
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 10<<10)
	for range 100 {
		for i := range noise {
			noise[i] = byte(rand.Uint32())
		}
		if err = f.Write(&vector.Batch{Len: 1, Cols: []*vector.Column{vector.Constant("x", vector.String(string(noise)))}}); err != nil {
			break
		}
	}
	if full := new(Full); !errors.As(err, &full) {
		t.Errorf("1,000 KiB in a space of 200: %v", err)
	}
	f.Close()
	if used := space.Used(); used != 0 {
		t.Errorf("%d bytes are still taken", used)
	}
	if _, err := NewSpace("/does/not/exist", 1<<20).Create(); err == nil {
		t.Error("a file in a folder that is not there")
	}
}
